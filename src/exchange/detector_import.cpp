#include "exchange/detector_import.hpp"

#include "model/golden.hpp"

namespace dfa {

Result<CropRecipe> chosen_crop(const ImportSettings& settings, CropRecipe own) {
  if (settings.crop.empty()) return own;
  DFA_ASSIGN_OR_RETURN(CropRecipe chosen, crop_recipe_by_name(settings.crop));
  chosen.mean = own.mean;
  chosen.std = own.std;
  chosen.interpolation = own.interpolation;
  return chosen;
}

Status require_two_classes(const NetworkConfig& config, std::string_view name) {
  if (config.classes == 2) return {};
  return fail(ErrorCode::model_incompatible,
              "{} tells {} classes apart, expected 2 (real, fake)\n  likely cause: a head of another task", name,
              config.classes);
}

Status finish_detector(Imported& imported, const ImportSettings& settings, std::string_view license,
                       std::string_view story) {
  Model& model = imported.model;
  model.kind = "detector";
  model.license = license_text(settings, license);
  std::string notes;
  for (const std::string& note : imported.notes) notes += fmt::format("\n{}.\n", note);
  model.card = fmt::format(
      "# {}\n\n{} Imported from {} (SHA-256 {}).\n{}\nNot validated and not calibrated by this "
      "program.\n",
      model.name, story, imported.source.file, imported.source.sha256, notes);
  if (const int count = golden_count(settings, model.config); count > 0) {
    DFA_ASSIGN_OR_RETURN(model.golden, make_golden(model, synthetic_crops(count, model.crop.stored_px), count,
                                                   settings.weights_dtype, settings.threads));
  }
  return {};
}

void finish_backbone(Imported& imported, const ImportSettings& settings, std::string_view license) {
  Model& model = imported.model;
  model.kind = "backbone";
  model.license = license_text(settings, license);
  model.card = fmt::format("# {}\n\nA trunk without adapters or head, imported from {} (SHA-256 {}).\n", model.name,
                           imported.source.file, imported.source.sha256);
}

}  // namespace dfa
