// `dfa evaluate --perturb` and `--transfer`: what degradations cost. A part of the command, see evaluate_parts.hpp.
#pragma once

#include <memory>

#include "cli/commands/evaluate_parts.hpp"

namespace dfa::cli {

std::unique_ptr<EvaluatePart> make_perturb_part();

}  // namespace dfa::cli
