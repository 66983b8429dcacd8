#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "cli_train/command.hpp"
#include "train/export/export_model.hpp"

namespace dfa::cli_train {

namespace {

constexpr std::uint64_t kMaxTextBytes = 1 << 20;

struct ExportArguments {
  std::string source, out, card, license;
  std::string dtype = "f16";
  train::ExportOptions options;
};

Result<Model> write_model(ExportArguments& arguments) {
  if (!arguments.card.empty()) {
    DFA_ASSIGN_OR_RETURN(arguments.options.card, read_text_file(arguments.card, kMaxTextBytes));
  }
  if (!arguments.license.empty()) {
    DFA_ASSIGN_OR_RETURN(arguments.options.license, read_text_file(arguments.license, kMaxTextBytes));
  }
  arguments.options.weights = arguments.dtype == "f16" ? Dtype::f16 : Dtype::f32;
  return train::export_model(arguments.source, arguments.out, arguments.options);
}

}  // namespace

void add_export_command(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command =
      app.add_subcommand("export", "Writes the model file that dfa runs, with golden vectors made by rule");
  command->add_option("CHECKPOINT", arguments->source, "Run folder (its best checkpoint) or a checkpoint file")
      ->required();
  command->add_option("--out", arguments->out, "Model file to write (.dfa)")->required();
  command->add_option("--dtype", arguments->dtype, "Of the weights; running statistics stay f32")
      ->check(CLI::IsMember({"f16", "f32"}))
      ->capture_default_str();
  command->add_option("--name", arguments->options.name, "Name shown in records (default: the run's)");
  command->add_option("--card", arguments->card, "File with the model card's text");
  command->add_option("--license", arguments->license, "File with the terms' text");
  command->callback([arguments, &context] {
    const auto model = write_model(*arguments);
    if (!model) return context.fail_with(model.error());
    context.streams.out << fmt::format(
        "{{\"schema\":\"dfa.export/1\",\"file\":\"{}\",\"name\":\"{}\",\"sha256\":\"{}\"}}\n", arguments->out,
        model->name, model->sha256);
    context.finish(Exit::success);
  });
}

}  // namespace dfa::cli_train
