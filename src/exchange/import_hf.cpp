// Trunks as Hugging Face's transformers writes them.
#include <array>

#include "exchange/adopt_trunk.hpp"
#include "exchange/detector_import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/known_sources.hpp"
#include "exchange/source_place.hpp"
#include "exchange/trunk_layout.hpp"

namespace dfa {
namespace {

// Where a trunk may lie in a file, by tensors that no other kind has; two, so that the lack of one is told.
struct HfKind {
  std::string_view name;
  const TrunkLayout* layout;
  std::array<std::string_view, 2> landmarks;  // below the prefix
  std::string_view license;
  std::string_view ignored;  // below the prefix
  std::array<std::string_view, 2> model_types;
};
const HfKind kKinds[] = {
    {"a vision tower of CLIP",
     &kClipLayout,
     {"embeddings.class_embedding", "encoder.layers.0.layer_norm1.weight"},
     kClipLicense,
     "embeddings.position_ids",
     {"clip_vision_model", "clip_vision_model"}},
    {"DINOv2",
     &kDinov2Layout,
     {"embeddings.patch_embeddings.projection.weight", "encoder.layer.0.attention.attention.query.weight"},
     kDinov2License,
     "embeddings.mask_token",
     {"dinov2", "dinov2_with_registers"}},
    {"DINOv3",
     &kDinov3Layout,
     {"embeddings.patch_embeddings.weight", "layer.0.attention.q_proj.weight"},
     kDinov3License,
     "embeddings.mask_token",
     {"dinov3_vit", "dinov3_vit"}}};
constexpr std::string_view kPrefixes[] = {"", "vision_model.", "dinov2.", "dinov2_with_registers."};
// Beside a trunk: CLIP's text tower and projections, a classifier on top of DINOv2.
constexpr std::string_view kBeside[] = {"text_model.", "text_projection.", "visual_projection.", "logit_scale",
                                        "classifier."};

struct Found {
  const HfKind* kind = nullptr;
  std::string prefix;
};

Result<Found> find_trunk(const TensorMap& tensors) {
  for (const HfKind& kind : kKinds)
    for (const std::string_view prefix : kPrefixes)
      for (const std::string_view landmark : kind.landmarks)
        if (tensors.contains(fmt::format("{}{}", prefix, landmark))) return Found{&kind, std::string(prefix)};
  return fail(ErrorCode::model_incompatible,
              "no vision tower of CLIP, DINOv2 or DINOv3 under transformers' names{}\n"
              "  likely cause: weights of another library, or another kind of model\n"
              "  next step: see docs/zoo.md for what can be imported, and by which word",
              tensors.empty() ? "" : fmt::format("; the first tensor is {}", tensors.begin()->first.substr(0, 200)));
}

Status check_type(const LibraryConfig& stated, const HfKind& kind) {
  for (const std::string_view type : kind.model_types)
    if (stated.model_type == type) return {};
  return fail(ErrorCode::model_incompatible,
              "config.json says {}, the tensors are {}\n  likely cause: the two files belong to different models",
              stated.model_type, kind.name);
}

}  // namespace

Result<Imported> import_hf(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  DFA_ASSIGN_OR_RETURN(const SourcePlace place, find_source(path));
  TrunkSource source;
  if (place.config) {
    DFA_ASSIGN_OR_RETURN(source.stated, read_library_config(*place.config));
  }
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(SourceTensors read, read_source(place.weights));
  imported.source = std::move(read.source);
  DFA_ASSIGN_OR_RETURN(const Found found, find_trunk(read.tensors));
  if (source.stated) DFA_TRY(check_type(*source.stated, *found.kind));
  source.layout = found.kind->layout;
  source.prefix = found.prefix;
  source.ignored_prefixes = {found.prefix + std::string(found.kind->ignored)};
  for (const std::string_view beside : kBeside) source.ignored_prefixes.emplace_back(beside);
  DFA_TRY(take_trunk(imported, std::move(read.tensors), source, settings));
  imported.model.name = settings.name.empty() ? place.name : settings.name;
  imported.model.training = provenance_json("hf", imported);
  finish_backbone(imported, settings, found.kind->license);
  return imported;
}

}  // namespace dfa
