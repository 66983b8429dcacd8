// dfa export: a model file in another form.
#pragma once

#include "cli/command.hpp"

namespace dfa::cli {

// dfa export [MODEL] --to FORM --out FILE [--base FILE] [--dtype f32|f16]
void add_export_command(CLI::App& app, CommandContext& context);

}  // namespace dfa::cli
