// DeepfakeBench's CLIP detector: the vision tower below `backbone.`, a linear layer on the class token.
#include "exchange/adopt_trunk.hpp"
#include "exchange/detector_import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/known_sources.hpp"
#include "exchange/trunk_layout.hpp"

namespace dfa {
namespace {

constexpr std::string_view kPrefix = "backbone.";
constexpr std::string_view kHead = "head";

// Its crops are those of `dfb`; its network reads CLIP's values.
Result<CropRecipe> crop_of_clip() {
  DFA_ASSIGN_OR_RETURN(const CropRecipe clip, crop_recipe_by_name("gend"));
  DFA_ASSIGN_OR_RETURN(CropRecipe crop, crop_recipe_by_name("dfb"));
  crop.mean = clip.mean;
  crop.std = clip.std;
  crop.interpolation = clip.interpolation;
  return crop;
}

}  // namespace

Result<Imported> import_dfb_clip(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(SourceTensors read, read_source(path));
  imported.source = std::move(read.source);
  const TrunkSource source{.layout = &kClipLayout,
                           .prefix = std::string(kPrefix),
                           .ignored_prefixes = {std::string(kPrefix) + "embeddings.position_ids"},
                           .head = std::string(kHead)};
  DFA_TRY(take_trunk(imported, std::move(read.tensors), source, settings));
  DFA_TRY(require_two_classes(model.config, kHead));
  DFA_ASSIGN_OR_RETURN(CropRecipe own, crop_of_clip());
  DFA_ASSIGN_OR_RETURN(model.crop, chosen_crop(settings, std::move(own)));
  model.name = model_name(settings, path);
  imported.notes.emplace_back(
      "DeepfakeBench enlarges and shrinks crops by OpenCV's cubic kernel, this program by an antialiased one: scores "
      "may "
      "differ a little from its own");
  model.training = provenance_json("dfb-clip", imported);
  DFA_TRY(finish_detector(imported, settings, kDfbLicense, "DeepfakeBench's CLIP detector."));
  return imported;
}

}  // namespace dfa
