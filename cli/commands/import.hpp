// dfa import: checkpoints of other programs as model files.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa import official|timm FILE --out M [--set key=value]... [--dtype f32|f16] [--crop NAME] [--name NAME]
// [--golden-crops N]
void add_import_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
