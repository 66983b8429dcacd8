#pragma once

#include "cli/command.hpp"
#include "prepare/coverage.hpp"

namespace dfa::cli {

void add_prepare_command(CLI::App& app, CommandContext& context);

// By what became of the items: none readable 3, no crop from any 4, some unreadable 6.
ExitStatus prepare_exit_status(const Coverage& coverage);

}  // namespace dfa::cli
