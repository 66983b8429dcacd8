#include "cli/commands/import.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "cli/options.hpp"
#include "exchange/describe_import.hpp"
#include "exchange/import.hpp"

namespace dfa::cli {
namespace {

using Importer = Result<Imported> (*)(const std::filesystem::path&, const ImportSettings&);

struct ImportOptions {
  std::string file;
  std::string out;
  std::string dtype = "f32";
  ImportSettings settings;
};

// More would only make the file larger: the proof is that an engine reads the weights right.
constexpr int kMaxGoldenCrops = 64;

void run_import(Importer importer, ImportOptions& options, CommandContext& context) {
  options.settings.weights_dtype = options.dtype == "f16" ? Dtype::f16 : Dtype::f32;
  options.settings.threads = context.options.threads;
  const auto imported = importer(options.file, options.settings);
  if (!imported) return context.fail_with(imported.error());
  if (const Status saved = save_model(imported->model, options.out, options.settings.weights_dtype); !saved)
    return context.fail_with(saved.error());
  // The proof that the file can be read is that it was.
  const auto written = load_model(options.out);
  if (!written) return context.fail_with(written.error(), ExitStatus::internal);
  if (context.options.format == "json") {
    context.out << import_json(*imported) << "\n";
  } else {
    context.out << import_text(*imported) << "written: " << options.out << ", sha256 " << written->sha256 << "\n";
  }
  context.finish(ExitStatus::success);
}

CLI::App* add_kind(CLI::App& app, CommandContext& context, const std::string& name, const std::string& help,
                   Importer importer, const std::shared_ptr<ImportOptions>& options) {
  CLI::App* kind = app.add_subcommand(name, help);
  kind->add_option("FILE", options->file, "the checkpoint: .pt or .pth (zip or legacy), or safetensors")->required();
  kind->add_option("--out", options->out, "the model file to write")->required();
  kind->add_option("--set", options->settings.set,
                   "a size that the shapes do not tell, as in --set heads=3; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  kind->add_option("--dtype", options->dtype, "how weights are stored: f32, f16 (half the size, rounded)")
      ->check(CLI::IsMember({"f32", "f16"}));
  kind->add_option("--name", options->settings.name, "what records call the model (default: the file's name)");
  add_threads_option(*kind, context);
  add_format_option(*kind, context, {"text", "json"});
  kind->callback([importer, options, &context] { run_import(importer, *options, context); });
  return kind;
}

}  // namespace

void add_import_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("import", "turn a checkpoint of another program into a model file");
  command->require_subcommand(1);
  const auto official = std::make_shared<ImportOptions>();
  CLI::App* detector = add_kind(*command, context, "official", "DeepFake-Adapter weights of the authors' program",
                                import_official, official);
  detector->add_option("--crop", official->settings.crop, "crop recipe by name (the authors' own is not published)");
  add_integer(*detector, "--golden-crops", official->settings.golden_crops,
              "synthetic crops put into the file with the logits of engine ref, for dfa model verify; 0: none", 0,
              kMaxGoldenCrops);
  add_kind(*command, context, "timm", "a plain ViT of timm, as the trunk to train adapters on", import_timm,
           std::make_shared<ImportOptions>());
}

}  // namespace dfa::cli
