// dfa doctor: what is wrong with a data set on disk.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa doctor LAYOUT ROOT [--subset] [--quick] [--json] [--checksums FILE] [--emit dfb-json]; dfa doctor --explain
// LAYOUT.
void add_doctor_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
