// dfa evaluate: scores the crops of a manifest and prints figures with intervals.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa evaluate --data MANIFEST... [--role test] [--scores FILE.csv] [--force-crop] with --model, --engine, --threads,
// --format text|json.
void add_evaluate_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
