// `dfa selftest`: do the engines still give the numbers that the model file and the detector promise?
#pragma once

#include "cli/command.hpp"

namespace CLI {
class App;
}

namespace dfa::cli {

void add_selftest_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
