#include "cli/commands/model.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "model/describe.hpp"
#include "model/diff.hpp"
#include "model/verify.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa::cli {
namespace {

Result<Model> open_model(const std::string& path) {
  return path.empty() ? embedded_model() : load_model(path);
}

// "ref,f32" -> both, each once; without a word, those that compute what the file promises. Errors: as resolve_engine().
Result<std::vector<Precision>> parse_engines(const std::optional<std::string>& words, const Model& model) {
  if (!words && model.quantised) return std::vector{Precision::ref, Precision::f32, Precision::int8};
  if (!words) return std::vector{Precision::ref, Precision::f32};
  std::vector<Precision> engines;
  std::string_view names = *words;
  while (true) {
    const std::size_t comma = names.find(',');
    DFA_ASSIGN_OR_RETURN(const Precision engine, resolve_engine(std::string(names.substr(0, comma)), model));
    if (std::find(engines.begin(), engines.end(), engine) == engines.end()) engines.push_back(engine);
    if (comma == std::string_view::npos) return engines;
    names.remove_prefix(comma + 1);
  }
}

void print(CommandContext& context, const std::string& text, const std::string& json) {
  if (context.options.format == "json")
    context.out << json << "\n";
  else
    context.out << text;
}

void run_show(const std::string& path, CommandContext& context) {
  const auto model = open_model(path);
  if (!model) return context.fail_with(model.error(), ExitStatus::model);
  print(context, model_text(*model), model_json(*model));
  context.finish(ExitStatus::success);
}

struct VerifyOptions {
  std::string model;
  std::string golden;
  std::optional<std::string> engines;
};

void run_verify(const VerifyOptions& options, CommandContext& context) {
  const auto model = open_model(options.model);
  if (!model) return context.fail_with(model.error(), ExitStatus::model);
  const auto engines = parse_engines(options.engines, *model);
  if (!engines) return context.fail_with(engines.error());
  auto report = [&]() -> Result<VerifyReport> {
    if (options.golden.empty()) return verify_model(*model, *engines, context.options.threads);
    DFA_ASSIGN_OR_RETURN(const TensorFile golden, read_safetensors(options.golden));
    return verify_against_golden(*model, golden, *engines, context.options.threads);
  }();
  if (!report) return context.fail_with(report.error());
  print(context, verify_text(*report), verify_json(*report, *model));
  context.finish(report->ok() ? ExitStatus::success : ExitStatus::model);
}

void run_diff(const std::string& a, const std::string& b, CommandContext& context) {
  const auto first = open_model(a);
  if (!first) return context.fail_with(first.error(), ExitStatus::model);
  const auto second = open_model(b);
  if (!second) return context.fail_with(second.error(), ExitStatus::model);
  const ModelDiff diff = diff_models(*first, *second);
  print(context, diff_text(diff), diff_json(diff));
  context.finish(ExitStatus::success);
}

void add_show(CLI::App& command, CommandContext& context) {
  const auto path = std::make_shared<std::string>();
  CLI::App* show = command.add_subcommand("show", "configuration, crop recipe, parameter counts, calibration, licence");
  show->add_option("M", *path, "a model file (default: the model inside this program)");
  add_format_option(*show, context, {"text", "json"});
  show->callback([path, &context] { run_show(*path, context); });
}

void add_verify(CLI::App& command, CommandContext& context) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* verify = command.add_subcommand(
      "verify", "recompute golden values with each engine; status 5 if one is outside its tolerance");
  verify->add_option("M", options->model, "a model file (default: the model inside this program)");
  verify->add_option("--golden", options->golden,
                     "a golden file (images, eval.logits, eval.feature) in place of the values in the model file");
  verify->add_option("--engine", options->engines,
                     "engines to verify, by commas (default: ref,f32, and int8 where the file has its scales)");
  add_threads_option(*verify, context);
  add_format_option(*verify, context, {"text", "json"});
  verify->callback([options, &context] { run_verify(*options, context); });
}

void add_diff(CLI::App& command, CommandContext& context) {
  const auto paths = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* diff = command.add_subcommand("diff", "metadata and tensors that differ between two model files");
  diff->add_option("A", paths->first, "a model file")->required();
  diff->add_option("B", paths->second, "another")->required();
  add_format_option(*diff, context, {"text", "json"});
  diff->callback([paths, &context] { run_diff(paths->first, paths->second, context); });
}

}  // namespace

void add_model_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("model", "look into model files");
  command->require_subcommand(1);
  add_show(*command, context);
  add_verify(*command, context);
  add_diff(*command, context);
}

}  // namespace dfa::cli
