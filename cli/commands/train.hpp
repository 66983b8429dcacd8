// dfa train: starts the sibling program dfa-train, so that people learn one command while dfa itself never links torch.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa train ...: everything after `train` goes to dfa-train unread; this process becomes it.
void add_train_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
