#include "cli/commands/export.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/export_int8.hpp"
#include "cli/options.hpp"
#include "exchange/export.hpp"
#include "exchange/export_adapter.hpp"
#include "exchange/export_hf.hpp"
#include "exchange/export_onnx.hpp"
#include "exchange/export_timm.hpp"

namespace dfa::cli {
namespace {

constexpr const char* kInt8 = "int8";
constexpr std::int64_t kMostCrops = 100'000;

// A word of --to and what makes the file. One row a form; help and checks follow from this table.
struct ExportForm {
  std::string word;
  std::string help;
  Exporter make;  // null for int8, which takes more than the others
};

const std::vector<ExportForm>& export_forms() {
  static const std::vector<ExportForm> kForms = {
      {"onnx", "the network for ONNX Runtime, OpenVINO and others", export_onnx},
      {"adapter", "what a detector has beside its trunk; --base FILE binds it to the file of a trunk",
       export_adapter_file},
      {"hf", "a trunk of CLIP, DINOv2 or DINOv3 as a folder for Hugging Face's transformers", export_hf},
      {kInt8, "a detector with the scales of engine int8, calibrated on --calibrate", nullptr},
      {"merged", "an adapter-only file on the trunk of --base, as a detector", export_merged},
      {"timm", "a trunk under timm's names, safetensors", export_timm},
  };
  return kForms;
}

struct ExportOptions {
  std::string model, to, out, base, dtype;
  Int8Request int8;
  bool force_crop = false;
  std::vector<std::string> int8_only;  // options that were given and belong to int8 alone
};

const ExportForm* find_form(const std::string& word) {
  const auto& forms = export_forms();
  const auto found =
      std::find_if(forms.begin(), forms.end(), [&](const ExportForm& form) { return form.word == word; });
  return found == forms.end() ? nullptr : &*found;
}

std::vector<std::string> form_words() {
  std::vector<std::string> words;
  for (const ExportForm& form : export_forms()) words.push_back(form.word);
  return words;
}

std::string forms_help() {
  std::string text = "the form:";
  for (const ExportForm& form : export_forms()) text += fmt::format(" {} ({});", form.word, form.help);
  text.back() = '.';
  return text;
}

// Options that only --to int8 takes; it refuses what it lacks itself.
void add_int8_options(CLI::App& command, ExportOptions& options) {
  const std::string for_int8 = "--to int8: ";
  const auto only_int8 = [&options](CLI::Option* option) {
    option->each([&options, name = option->get_name()](const std::string&) { options.int8_only.push_back(name); });
  };
  only_int8(
      command.add_option("--calibrate", options.int8.manifest, for_int8 + "the manifest of the crops to measure on")
          ->type_name("MANIFEST"));
  only_int8(command.add_option("--role", options.int8.role, for_int8 + "which of its crops: train, val, calibration")
                ->capture_default_str());
  only_int8(add_integer(command, "--crops", options.int8.crops,
                        for_int8 + "how many, classes and sources in equal shares", 1, kMostCrops));
  only_int8(add_integer(command, "--seed", options.int8.seed, for_int8 + "which ones are drawn", 0));
  only_int8(add_number(command, "--budget", options.int8.budget,
                       for_int8 + "the largest mean difference of p_fake from f32 on these crops; what costs most "
                                  "stays wide until it is held",
                       0, 1));
  only_int8(command
                .add_option("--spatial-prior", options.int8.spatial_prior,
                            for_int8 + "the convolutions of the spatial prior: wide, or codes, which are faster most "
                                       "of all without AMX and move scores more than all the rest")
                ->type_name("HOW")
                ->check(CLI::IsMember({"wide", "codes"}))
                ->capture_default_str());
  command.add_flag("--force-crop", options.force_crop, for_int8 + "crops of another recipe than the model's");
}

void run_export(const ExportOptions& options, CommandContext& context) {
  const ExportForm* form = find_form(options.to);
  if (form == nullptr) return context.fail_with(Error{ErrorCode::usage, "--to " + options.to + " is not known"});
  if (form->make != nullptr && (!options.int8_only.empty() || options.force_crop))
    return context.fail_with(
        Error{ErrorCode::usage, fmt::format("--to {} takes no {}\n  next step: leave it out", form->word,
                                            options.int8_only.empty() ? "--force-crop" : options.int8_only.front())});
  ExportSettings settings;
  settings.model = options.model;
  settings.out = options.out;
  settings.base = options.base;
  if (!options.dtype.empty()) settings.weights_dtype = options.dtype == "f16" ? Dtype::f16 : Dtype::f32;
  settings.threads = context.options.threads;
  Int8Request int8 = options.int8;
  if (options.force_crop) int8.recipe = RecipeCheck::skip;
  const auto exported = form->make != nullptr ? form->make(settings) : export_int8(settings, int8, context);
  if (!exported) return context.fail_with(exported.error());
  if (context.options.format == "json")
    context.out << export_json(*exported, form->word) << "\n";
  else
    context.out << export_text(*exported);
  context.finish(ExitStatus::success);
}

}  // namespace

void add_export_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ExportOptions>();
  CLI::App* command = app.add_subcommand("export", "write a model file in another form");
  command->add_option("MODEL", options->model,
                      "a model file, or an adapter-only file (default: the model inside this program)");
  command->add_option("--to", options->to, forms_help())->required()->check(CLI::IsMember(form_words()));
  command->add_option("--out", options->out, "the file to write; one that is there is replaced")->required();
  command->add_option("--base", options->base, "the trunk's file, for the forms that need one");
  command->add_option("--dtype", options->dtype, "how weights are stored, where the form leaves it open: f32, f16")
      ->check(CLI::IsMember({"f32", "f16"}));
  add_int8_options(*command, *options);
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_export(*options, context); });
}

}  // namespace dfa::cli
