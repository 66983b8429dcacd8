// dfa model: what a model file holds, whether the engines reproduce it, what differs between two.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa model show [M] | verify [M] [--golden G] [--engine ref,f32] | diff A B, each with --format text|json. Without M:
// the embedded model.
void add_model_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
