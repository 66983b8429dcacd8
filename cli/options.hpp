// The options that several commands share, and numbers read strictly. Declared once, so that help and checks agree
// everywhere.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/command.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"

namespace dfa::cli {

// --model FILE (default: the model inside the program).
CLI::Option* add_model_option(CLI::App& command, CommandContext& context);
// The same, as often as wanted: fills `models`, and `model` with the last.
CLI::Option* add_models_option(CLI::App& command, CommandContext& context, const std::string& help);
// --engine auto|ref|f32|bf16|int8.
CLI::Option* add_engine_option(CLI::App& command, CommandContext& context);
// --threads N, 0 = every processor this process may use.
CLI::Option* add_threads_option(CLI::App& command, CommandContext& context);
// --format, one of `formats`; the first is the default.
CLI::Option* add_format_option(CLI::App& command, CommandContext& context, const std::vector<std::string>& formats);

// A whole number within [low, high]. The text must be the number and nothing else: no blanks, units, signs of octal or
// hex.
CLI::Option* add_integer(CLI::App& command, const std::string& name, std::int64_t& value, const std::string& help,
                         std::int64_t low, std::int64_t high = std::numeric_limits<std::int64_t>::max());
CLI::Option* add_integer(CLI::App& command, const std::string& name, int& value, const std::string& help, int low,
                         int high = std::numeric_limits<int>::max());
// A finite number within [low, high].
CLI::Option* add_number(CLI::App& command, const std::string& name, double& value, const std::string& help, double low,
                        double high = std::numeric_limits<double>::max());

// --engine as a precision. auto: int8 where the model carries its scales and the processor has products for it (AMX or
// VNNI), else f32: a model without scales gives the same numbers on every machine, and whoever made the scales has seen
// what they cost. Errors: usage for unknown words and for int8 without scales.
enum class Scales { absent, present };
Result<Precision> resolve_engine(const std::string& engine, Scales scales);
Result<Precision> resolve_engine(const std::string& engine, const Model& model);
// The model that --model names, or the embedded one. Errors as load_model() and embedded_model(), prefixed by the path.
Result<Model> load_selected_model(const SharedOptions& options);

}  // namespace dfa::cli
