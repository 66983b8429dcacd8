#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli_train/command.hpp"
#include "cli_train/exported.hpp"
#include "train/export/export_model.hpp"

namespace dfa::cli_train {

void add_merge_command(CLI::App& app, Context& context) {
  struct Arguments {
    std::string adapter, base, out;
    std::string dtype = "f16";
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("merge", "Joins an adapter-only file and its trunk into a model file");
  command->add_option("ADAPTER", arguments->adapter, "File of export --adapter-only")->required();
  command
      ->add_option("--base", arguments->base,
                   "Trunk that the run began with: model file (backbone), .safetensors, or .pt of either container")
      ->required();
  command->add_option("--out", arguments->out, "Model file to write (.dfa)")->required();
  command->add_option("--dtype", arguments->dtype, "Of the weights; running statistics stay f32")
      ->check(CLI::IsMember({"f16", "f32"}))
      ->capture_default_str();
  command->callback([arguments, &context] {
    train::ExportOptions options;
    options.weights = arguments->dtype == "f16" ? Dtype::f16 : Dtype::f32;
    const auto model = train::merge_adapter(arguments->adapter, arguments->base, arguments->out, options);
    if (!model) return context.fail_with(model.error());
    context.streams.out << exported_line(arguments->out, *model);
    context.finish(Exit::success);
  });
}

}  // namespace dfa::cli_train
