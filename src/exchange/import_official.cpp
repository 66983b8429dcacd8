#include "exchange/import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/infer_config.hpp"
#include "model/golden.hpp"

namespace dfa {
namespace {

// The authors never published theirs; this one is ours.
constexpr std::string_view kCrop = "aligned1.3";
constexpr std::string_view kLicense =
    "Not stated by the source file. The authors' repository carries no licence: without their permission nobody may "
    "pass these weights on.";

std::string card(const Imported& imported) {
  return fmt::format(
      "# {}\n\nImported from {} (SHA-256 {}).\n\n"
      "The authors did not publish how they cropped faces: the crop recipe {} is this program's choice, and scores may "
      "differ from theirs for that "
      "reason alone. Not validated and not calibrated by this program.\n",
      imported.model.name, imported.source.file, imported.source.sha256, imported.model.crop.name);
}

}  // namespace

Result<Imported> import_official(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  DFA_ASSIGN_OR_RETURN(model.crop, crop_recipe_by_name(settings.crop.empty() ? kCrop : settings.crop));
  DFA_ASSIGN_OR_RETURN(SourceTensors source, read_source(path));
  imported.source = std::move(source.source);
  DFA_ASSIGN_OR_RETURN(InferredConfig inferred, infer_config(source.tensors, Adapters::looked_for, settings.set));
  imported.assumed = std::move(inferred.assumed);
  model.config = inferred.config;
  imported.report = compare_tensors(network_parameters(model.config), source.tensors);
  DFA_TRY(require_all(
      imported.report, "another network, another configuration, or a file that holds a part of the weights",
      "compare the lists above with docs/model-file.md; sizes that the shapes do not tell are given by --set"));
  model.kind = "detector";
  model.name = model_name(settings, path);
  model.weights = std::move(source.tensors);
  model.license = license_text(settings, kLicense);
  model.card = card(imported);
  model.training = provenance_json("official", imported);
  if (const int count = golden_count(settings, model.config); count > 0) {
    DFA_ASSIGN_OR_RETURN(model.golden, make_golden(model, synthetic_crops(count, model.crop.stored_px), count,
                                                   settings.weights_dtype, settings.threads));
  }
  return imported;
}

}  // namespace dfa
