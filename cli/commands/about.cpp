#include "cli/commands/about.hpp"

#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "base/machine.hpp"
#include "cli/options.hpp"
#include "nn/isa.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

// The model inside, in words.
std::string model_words(const Result<Model>& model) {
  if (!model) return "none";
  return fmt::format("{} ({})", model->name, model->sha256);
}

void print_text(std::ostream& out, const MachineFacts& machine, const Result<Model>& model) {
  out << fmt::format("dfa {}\nbuild    {}\nengines  ref, f32 (auto: f32)\nmodel    {}\n", kVersion, kBuildId,
                     model_words(model));
  out << fmt::format("cpu      {}, {} usable {}\nisa      {}; kernels use {}\nmemory   {} MiB\n", machine.cpu_model,
                     machine.processors, machine.processors == 1 ? "processor" : "processors",
                     fmt::join(machine.isa, " "), effective_isa(), machine.memory_mib);
}

void print_json(std::ostream& out, const MachineFacts& machine, const Result<Model>& model) {
  const nlohmann::ordered_json json = {
      {"schema", "dfa.version/1"},
      {"tool", {{"version", kVersion}, {"build", kBuildId}}},
      {"engines", {"ref", "f32"}},
      {"model",
       model ? nlohmann::ordered_json{{"name", model->name}, {"sha256", model->sha256}} : nlohmann::ordered_json()},
      {"machine",
       {{"cpu", machine.cpu_model},
        {"processors", machine.processors},
        {"isa", machine.isa},
        {"kernels", effective_isa()},
        {"memory_mib", machine.memory_mib}}}};
  out << json.dump(1) << '\n';
}

}  // namespace

void add_version_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("version", "Version, build, model inside, and what was found of this machine");
  add_format_option(*command, context, {"text", "json"});
  command->callback([&context] {
    const Result<Model> model = embedded_model();
    const MachineFacts machine = machine_facts();
    if (context.options.format == "json")
      print_json(context.out, machine, model);
    else
      print_text(context.out, machine, model);
    context.finish(ExitStatus::success);
  });
}

}  // namespace dfa::cli
