// `dfa calibrate`: what a model's numbers mean, measured on a set that neither trained nor chose it.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

void add_calibrate_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
