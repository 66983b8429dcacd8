// dfa perturb: named degradations of pictures and videos.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa perturb PICTURE... --out DIR [--kind KIND] [--codes A,B] [--levels 1-5] [--seed N]; dfa perturb --list.
void add_perturb_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
