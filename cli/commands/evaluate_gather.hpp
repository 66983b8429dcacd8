// First step of `dfa evaluate`: scores from crops (--data) or from files (--from), the walls, and what the protocol
// card can say of them.
#pragma once

#include "base/result.hpp"
#include "cli/commands/evaluate_parts.hpp"

namespace dfa::cli {

// Fills run.scores, run.model, run.precision, run.options.evaluation.dropped, and the sources, notes, card and stamps
// of run.report. The walls are asked before anything is scored. Errors: usage (neither or both of --data and --from),
// those of score_crops(), read_scores_csv() and raise_wall().
Status gather_scores(EvaluateRun& run, CommandContext& context);

}  // namespace dfa::cli
