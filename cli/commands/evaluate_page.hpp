// `dfa evaluate --report FILE.html`: the evaluation as one HTML file.
#pragma once

#include <memory>

#include "cli/commands/evaluate_parts.hpp"

namespace dfa::cli {

std::unique_ptr<EvaluatePart> make_page_part();

}  // namespace dfa::cli
