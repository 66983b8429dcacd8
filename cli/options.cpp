#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "nn/ops/gemm.hpp"

namespace dfa::cli {
namespace {

// The whole text as a number, or nothing.
template <class T>
std::optional<T> parse_number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

template <class T>
CLI::Option* add_ranged(CLI::App& command, const std::string& name, T& value, const std::string& help, T low, T high,
                        const char* kind, const char* type_name) {
  const auto check = [&value, low, high, name, kind](const std::string& text) {
    const std::optional<T> parsed = parse_number<T>(text);
    // Written so that NaN fails.
    if (!parsed || !(*parsed >= low && *parsed <= high)) {
      const std::string range = high == std::numeric_limits<T>::max() ? fmt::format("from {} up", low)
                                                                      : fmt::format("between {} and {}", low, high);
      throw CLI::ValidationError(name, fmt::format("\"{}\" is not a {} {}", text, kind, range));
    }
    value = *parsed;
  };
  return command.add_option_function<std::string>(name, check, help)
      ->type_name(type_name)
      ->default_str(fmt::format("{}", value));
}

constexpr const char* kWhole = "whole number";

// Instructions that multiply bytes and add up to 32 bits. Without them int8 is no faster than f32.
bool has_int8_instructions() {
  const GemmKernel kernel = best_int8_gemm();
  return kernel == GemmKernel::avx2_vnni_int8 || kernel == GemmKernel::avx512_vnni_int8 ||
         kernel == GemmKernel::amx_int8;
}

}  // namespace

CLI::Option* add_model_option(CLI::App& command, CommandContext& context) {
  return command.add_option("--model", context.options.model, "Model file (default: the model inside this program)")
      ->type_name("FILE");
}

CLI::Option* add_models_option(CLI::App& command, CommandContext& context, const std::string& help) {
  return command.add_option("--model", context.options.models, help)
      ->each([&context](const std::string& text) { context.options.model = text; })
      ->allow_extra_args(false)
      ->type_name("FILE");
}

CLI::Option* add_engine_option(CLI::App& command, CommandContext& context) {
  return command
      .add_option(
          "--engine", context.options.engine,
          "How the network is computed: auto (int8 where the model carries scales and the processor multiplies bytes, "
          "else f32), ref (plain loops, slow, the yardstick), f32, bf16, int8")
      ->type_name("NAME")
      ->capture_default_str();
}

CLI::Option* add_threads_option(CLI::App& command, CommandContext& context) {
  constexpr int kMostThreads = 4096;
  return add_integer(command, "--threads", context.options.threads, "Threads; 0 = every processor this process may use",
                     0, kMostThreads);
}

CLI::Option* add_format_option(CLI::App& command, CommandContext& context, const std::vector<std::string>& formats) {
  const auto check = [&context, formats](const std::string& text) {
    if (std::find(formats.begin(), formats.end(), text) == formats.end())
      throw CLI::ValidationError("--format",
                                 fmt::format("\"{}\" is not known; expected {}", text, fmt::join(formats, ", ")));
    context.options.format = text;
  };
  return command
      .add_option_function<std::string>("--format", check,
                                        fmt::format("Form of the result: {}", fmt::join(formats, ", ")))
      ->type_name("NAME")
      ->default_str(formats.front());
}

CLI::Option* add_integer(CLI::App& command, const std::string& name, std::int64_t& value, const std::string& help,
                         std::int64_t low, std::int64_t high) {
  return add_ranged(command, name, value, help, low, high, kWhole, "N");
}

CLI::Option* add_integer(CLI::App& command, const std::string& name, int& value, const std::string& help, int low,
                         int high) {
  return add_ranged(command, name, value, help, low, high, kWhole, "N");
}

CLI::Option* add_number(CLI::App& command, const std::string& name, double& value, const std::string& help, double low,
                        double high) {
  return add_ranged(command, name, value, help, low, high, "number", "X");
}

Result<Precision> resolve_engine(const std::string& engine, Scales scales) {
  if (engine == "auto") return scales == Scales::present && has_int8_instructions() ? Precision::int8 : Precision::f32;
  if (engine == "ref") return Precision::ref;
  if (engine == "f32") return Precision::f32;
  if (engine == "bf16") return Precision::bf16;
  if (engine != "int8")
    return fail(ErrorCode::usage, "engine \"{}\" is not known; expected auto, ref, f32, bf16 or int8", engine);
  if (scales == Scales::present) return Precision::int8;
  return fail(
      ErrorCode::usage,
      "engine int8 needs a model that carries scales, this one has none\n  next step: dfa export MODEL --to int8 "
      "--calibrate MANIFEST --out FILE, and --model FILE; or --engine f32");
}

Result<Precision> resolve_engine(const std::string& engine, const Model& model) {
  return resolve_engine(engine, model.quantised ? Scales::present : Scales::absent);
}

Result<Model> load_selected_model(const SharedOptions& options) {
  if (options.model.empty()) return embedded_model();
  Result<Model> model = load_model(options.model);
  if (model) return model;
  // A model that is not there is a matter of the model, not of the inputs.
  Error error = std::move(model).error();
  if (exit_status_for(error) == ExitStatus::no_input) error.code = ErrorCode::model_missing;
  if (error.message.find(options.model) != std::string::npos) return tl::unexpected(std::move(error));
  return fail_within(options.model, std::move(error));
}

}  // namespace dfa::cli
