#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "cli_train/command.hpp"
#include "cli_train/exported.hpp"
#include "train/export/export_model.hpp"

namespace dfa::cli_train {

namespace {

constexpr std::uint64_t kMaxTextBytes = 1 << 20;

struct ExportArguments {
  std::string source, out, adapter, card, license;
  std::string dtype = "f16";
  bool dtype_is_given = false;
  train::ExportOptions options;
};

Status check(const ExportArguments& arguments) {
  if (arguments.out.empty() && arguments.adapter.empty())
    return fail(ErrorCode::usage, "export: neither --out nor --adapter-only says where to write");
  if (arguments.out.empty() && arguments.dtype_is_given)
    return fail(ErrorCode::usage, "export: --dtype is of the model file (--out); an adapter-only file is always f32");
  return {};
}

// A line of JSON for each file written.
Status write_files(ExportArguments& arguments, std::ostream& out) {
  DFA_TRY(check(arguments));
  if (!arguments.card.empty()) {
    DFA_ASSIGN_OR_RETURN(arguments.options.card, read_text_file(arguments.card, kMaxTextBytes));
  }
  if (!arguments.license.empty()) {
    DFA_ASSIGN_OR_RETURN(arguments.options.license, read_text_file(arguments.license, kMaxTextBytes));
  }
  arguments.options.weights = arguments.dtype == "f16" ? Dtype::f16 : Dtype::f32;
  if (!arguments.adapter.empty()) {
    DFA_TRY(train::export_adapter(arguments.source, arguments.adapter, arguments.options));
    DFA_ASSIGN_OR_RETURN(const std::string sha256, sha256_file(arguments.adapter));
    out << fmt::format("{{\"schema\":\"dfa.export/1\",\"file\":\"{}\",\"kind\":\"adapter\",\"sha256\":\"{}\"}}\n",
                       arguments.adapter, sha256);
  }
  if (!arguments.out.empty()) {
    DFA_ASSIGN_OR_RETURN(const Model model, train::export_model(arguments.source, arguments.out, arguments.options));
    out << exported_line(arguments.out, model);
  }
  return {};
}

}  // namespace

std::string exported_line(const std::string& file, const Model& model) {
  return fmt::format("{{\"schema\":\"dfa.export/1\",\"file\":\"{}\",\"name\":\"{}\",\"sha256\":\"{}\"}}\n", file,
                     model.name, model.sha256);
}

void add_export_command(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "Writes the model file that dfa runs, or what was trained alone");
  command->add_option("CHECKPOINT", arguments->source, "Run folder (its best checkpoint) or a checkpoint file")
      ->required();
  command->add_option("--out", arguments->out, "Model file to write (.dfa), with golden vectors made by rule");
  command->add_option("--adapter-only", arguments->adapter,
                      "File to write with the trained tensors and the hash of their trunk; see merge");
  CLI::Option* dtype = command->add_option("--dtype", arguments->dtype, "Of the weights; running statistics stay f32")
                           ->check(CLI::IsMember({"f16", "f32"}))
                           ->capture_default_str();
  command->add_option("--name", arguments->options.name, "Name shown in records (default: the run's)");
  command->add_option("--card", arguments->card, "File with the model card's text");
  command->add_option("--license", arguments->license, "File with the terms' text");
  command->callback([arguments, dtype, &context] {
    arguments->dtype_is_given = dtype->count() > 0;
    if (const Status written = write_files(*arguments, context.streams.out); !written)
      return context.fail_with(written.error());
    context.finish(Exit::success);
  });
}

}  // namespace dfa::cli_train
