// Last step of `dfa evaluate`: the report to standard output in the form that --format names, and with --out every form
// and the score files into a folder.
#pragma once

#include "base/result.hpp"
#include "cli/commands/evaluate_parts.hpp"

namespace dfa::cli {

// Errors: file_unwritable.
Status write_evaluation(const EvaluateRun& run, CommandContext& context);

}  // namespace dfa::cli
