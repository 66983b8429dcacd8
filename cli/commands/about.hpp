// `dfa version`: which program this is and what it found of the machine. (A file version.hpp here would hide the
// generated one.)
#pragma once

#include "cli/command.hpp"

namespace CLI {
class App;
}

namespace dfa::cli {

void add_version_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
