// `dfa licenses`: the terms of everything that is in the program or loaded by it.
#pragma once

#include "cli/command.hpp"

namespace CLI {
class App;
}

namespace dfa::cli {

void add_licenses_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
