// How the commands that score a manifest's crops do so: one batch size, one progress line.
#pragma once

#include "cli/command.hpp"
#include "eval/score_crops.hpp"

namespace dfa::cli {

// Threads and trace as the command line has them; on a terminal the number of crops done is shown, unless --quiet.
// `context` must outlive what comes back.
ScoreCropsOptions crop_scoring(const CommandContext& context, Precision precision, RecipeCheck recipe);

}  // namespace dfa::cli
