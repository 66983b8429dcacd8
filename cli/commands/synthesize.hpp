// `dfa synthesize`: forgeries with masks from a folder of real pictures.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

void add_synthesize_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
