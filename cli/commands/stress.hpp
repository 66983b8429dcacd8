// `dfa stress FILE`: does the score of a picture or video survive what happens to files on their way?
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

void add_stress_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
