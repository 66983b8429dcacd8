#include "cli/commands/import.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "exchange/describe_import.hpp"
#include "exchange/import.hpp"

namespace dfa::cli {
namespace {

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
  ProgressLine line(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  options.settings.progress = [&](std::string_view step) { line.show(step); };
  auto imported = importer(options.file, options.settings);
  if (!imported) {
    line.wipe();
    return context.fail_with(imported.error());
  }
  line.show("writing");
  if (const Status saved = save_model(imported->model, options.out, options.settings.weights_dtype); !saved) {
    line.wipe();
    return context.fail_with(saved.error());
  }
  // The proof that the file can be read is that it was. The source's tensors are let go first: two large files at once
  // would be twice the memory.
  imported->model.weights.clear();
  line.show("reading what was written");
  const auto written = load_model(options.out);
  line.wipe();
  if (!written) return context.fail_with(written.error(), ExitStatus::internal);
  if (context.options.format == "json") {
    context.out << import_json(*imported) << "\n";
  } else {
    context.out << import_text(*imported) << "written: " << options.out << ", sha256 " << written->sha256 << "\n";
  }
  context.finish(ExitStatus::success);
}

void add_detector_options(CLI::App& command, ImportSettings& settings) {
  command.add_option("--crop", settings.crop,
                     "crop recipe by name (default: the detector's own; aligned1.3 where its authors published none)");
  add_integer(command, "--golden-crops", settings.golden_crops,
              "synthetic crops put into the file with the logits of engine ref, for dfa model verify; 0: none", 0,
              kMaxGoldenCrops)
      ->default_str("2; 0 for networks of more than 150 million parameters");
}

void add_kind(CLI::App& app, CommandContext& context, const ImportKind& kind) {
  const auto options = std::make_shared<ImportOptions>();
  CLI::App* command = app.add_subcommand(std::string(kind.word), std::string(kind.help));
  command->add_option("FILE", options->file, std::string(kind.source))->required();
  command->add_option("--out", options->out, "the model file to write")->required();
  command
      ->add_option(
          "--set", options->settings.set,
          "a size that the shapes do not tell, as in --set heads=3; may be repeated. --set image=384 resamples "
          "positions as the source's library does")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--dtype", options->dtype, "how weights are stored: f32, f16 (half the size, rounded)")
      ->check(CLI::IsMember({"f32", "f16"}));
  command->add_option("--name", options->settings.name, "what records call the model (default: the file's name)");
  command->add_option("--license", options->settings.license,
                      "the weights' licence, as the model file will state it (default: what is known of the source)");
  if (kind.gives == ImportGives::detector) add_detector_options(*command, options->settings);
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([importer = kind.import, options, &context] { run_import(importer, *options, context); });
}

}  // namespace

void add_import_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("import", "turn a checkpoint of another program into a model file");
  command->require_subcommand(1);
  for (const ImportKind& kind : import_kinds()) add_kind(*command, context, kind);
}

}  // namespace dfa::cli
