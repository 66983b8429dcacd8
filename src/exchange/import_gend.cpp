// GenD (Yermakov, Cech, Matas, Fritz, WACV 2026): an encoder whose class token, L2-normalised, goes into a linear
// layer.
#include <algorithm>

#include "base/file.hpp"
#include "exchange/adopt_trunk.hpp"
#include "exchange/detector_import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/known_sources.hpp"
#include "exchange/source_place.hpp"
#include "exchange/trunk_layout.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

constexpr std::string_view kHead = "model.linear";
constexpr std::string_view kEncoder = "feature_extractor.";
constexpr std::string_view kClipEncoder = "feature_extractor.vision_model.";
constexpr std::string_view kBackboneEncoder = "feature_extractor.backbone.";
// Encoders whose heads are 64 wide, by the beginning of their name.
constexpr std::string_view kHeadsOf64[] = {"openai/clip-vit-", "facebook/dinov3-vits16", "facebook/dinov3-vitb16",
                                           "facebook/dinov3-vitl16", "facebook/dinov3-vith16"};
constexpr std::string_view kSubstituted = "detector substituted: SCRFD det_10g (non-commercial) by mtcnn";

// The fields of the release's config.json that mean something here.
struct GendConfig {
  std::string backbone;
  std::optional<HeadKind> head;
};

Result<GendConfig> parse_gend_config(const std::string& text) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_record(text, "config.json"));
  RecordReader reader(json, "config.json");
  DFA_ASSIGN_OR_RETURN(const std::string type, reader.text("model_type"));
  if (type != "GenD") return reader.refuse("model_type", "GenD");
  GendConfig config;
  DFA_ASSIGN_OR_RETURN(config.backbone, reader.text("backbone"));
  DFA_ASSIGN_OR_RETURN(const std::string head, reader.text("head"));
  if (head != "LinearNorm" && head != "linear") return reader.refuse("head", "LinearNorm or linear");
  config.head = head == "linear" ? HeadKind::linear : HeadKind::l2_linear;
  return config;
}

Result<GendConfig> read_gend_config(const SourcePlace& place) {
  if (!place.config) return GendConfig{};
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(*place.config, kMaxRecordBytes));
  auto config = parse_gend_config(text);
  if (!config) return fail_within(place.config->string(), std::move(config).error());
  return config;
}

// The backbone's own config.json: in a folder of its last name, below the model's folder or beside it.
std::optional<std::filesystem::path> backbone_config(const SourcePlace& place, std::string_view backbone) {
  const std::string_view last = backbone.substr(backbone.rfind('/') + 1);
  if (last.empty() || last == "." || last == "..") return std::nullopt;
  for (const auto& folder : {place.folder, place.folder / ".."}) {
    const auto path = folder / last / "config.json";
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error)) return path;
  }
  return std::nullopt;
}

Status settle_backbone(const SourcePlace& place, const GendConfig& config, const std::vector<std::string>& set,
                       TrunkSource& source) {
  if (config.backbone.empty()) return {};
  if (const auto path = backbone_config(place, config.backbone)) {
    DFA_ASSIGN_OR_RETURN(source.stated, read_library_config(*path));
    return {};
  }
  const bool known = std::ranges::any_of(kHeadsOf64, [&](auto name) { return config.backbone.starts_with(name); });
  if (known || is_set(set, "heads")) return {};
  return fail(ErrorCode::model_incompatible,
              "the backbone {} is not known, so the number of its attention heads cannot be told\n"
              "  next step: say it, as in --set heads=16, or put its config.json into a folder {} beside the weights",
              config.backbone.substr(0, 200), config.backbone.substr(config.backbone.rfind('/') + 1).substr(0, 200));
}

bool has_prefix(const TensorMap& tensors, std::string_view prefix) {
  const auto found = tensors.lower_bound(prefix);
  return found != tensors.end() && found->first.starts_with(prefix);
}

Status refuse_perception_encoder(const TensorMap& tensors) {
  if (!has_prefix(tensors, "feature_extractor.backbone.blocks.")) return {};
  return fail(ErrorCode::model_incompatible,
              "this is GenD on a Perception Encoder (GenD_PE_L): attention pooling and its rotary positions are not "
              "computed by this version\n  next step: use GenD_CLIP_L_14 or GenD_DINOv3_L");
}

// Which encoder the names tell of. Errors: model_incompatible.
Result<TrunkSource> find_encoder(const TensorMap& tensors) {
  DFA_TRY(refuse_perception_encoder(tensors));
  TrunkSource source;
  if (has_prefix(tensors, kClipEncoder)) {
    source.layout = &kClipLayout;
    source.prefix = kClipEncoder;
    source.ignored_prefixes = {std::string(kEncoder) + "visual_projection.weight",
                               std::string(kClipEncoder) + "embeddings.position_ids"};
    return source;
  }
  if (has_prefix(tensors, std::string(kBackboneEncoder) + "embeddings.")) {
    source.layout = &kDinov3Layout;
    source.prefix = kBackboneEncoder;
    source.ignored_prefixes = {std::string(kBackboneEncoder) + "embeddings.mask_token"};
    return source;
  }
  return fail(ErrorCode::model_incompatible,
              "no tensors below {} or {}embeddings.: these are not GenD's weights\n"
              "  likely cause: another project's checkpoint\n  next step: see docs/zoo.md for what can be imported",
              kClipEncoder, kBackboneEncoder);
}

// Lightning keeps names below the attribute that holds the network; only a prefix of every name is one.
constexpr std::string_view kAttribute = "model.";
void strip_attribute(TensorMap& tensors) {
  const bool all = std::ranges::all_of(tensors, [](const auto& entry) { return entry.first.starts_with(kAttribute); });
  if (!all || !has_prefix(tensors, std::string(kAttribute) + std::string(kEncoder))) return;
  TensorMap stripped;
  for (auto& [name, tensor] : tensors) stripped.emplace(name.substr(kAttribute.size()), std::move(tensor));
  tensors = std::move(stripped);
}

// DINOv3's pictures are normalised by ImageNet's figures.
Result<CropRecipe> crop_for(const TrunkLayout* layout) {
  DFA_ASSIGN_OR_RETURN(CropRecipe crop, crop_recipe_by_name("gend"));
  if (layout != &kDinov3Layout) return crop;
  crop.interpolation = "bilinear";
  crop.mean = {0.485, 0.456, 0.406};
  crop.std = {0.229, 0.224, 0.225};
  return crop;
}

void note_origin(Imported& imported) {
  imported.model.substituted = kSubstituted;
  imported.notes.emplace_back(kSubstituted);
  const bool release = imported.source.sha256 == kGendReleaseSha256;
  imported.notes.push_back(
      release ? fmt::format("The file has the SHA-256 that third parties report for the released {}", kGendReleaseName)
              : fmt::format("The file does not have the SHA-256 that third parties report for the released {} ({})",
                            kGendReleaseName, kGendReleaseSha256));
}

}  // namespace

Result<Imported> import_gend(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  DFA_ASSIGN_OR_RETURN(const SourcePlace place, find_source(path));
  DFA_ASSIGN_OR_RETURN(const GendConfig config, read_gend_config(place));
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(SourceTensors read, read_source(place.weights));
  imported.source = std::move(read.source);
  strip_attribute(read.tensors);
  DFA_ASSIGN_OR_RETURN(TrunkSource source, find_encoder(read.tensors));
  DFA_TRY(settle_backbone(place, config, settings.set, source));
  source.head = kHead;
  source.head_kind = config.head.value_or(HeadKind::l2_linear);
  if (!config.head && !is_set(settings.set, "head"))
    imported.assumed.emplace_back("head = l2_linear (GenD's LinearNorm)");
  DFA_TRY(take_trunk(imported, std::move(read.tensors), source, settings));
  DFA_TRY(require_two_classes(model.config, kHead));
  DFA_ASSIGN_OR_RETURN(CropRecipe own, crop_for(source.layout));
  DFA_ASSIGN_OR_RETURN(model.crop, chosen_crop(settings, std::move(own)));
  model.item_rule = ItemRule::largest_face;
  model.name = settings.name.empty() ? place.name : settings.name;
  note_origin(imported);
  model.training = provenance_json("gend", imported);
  DFA_TRY(finish_detector(imported, settings, source.layout == &kDinov3Layout ? kGendDinov3License : kGendLicense,
                          "GenD (Yermakov, Cech, Matas, Fritz: Deepfake Detection that Generalizes Across Benchmarks, "
                          "WACV 2026)."));
  return imported;
}

}  // namespace dfa
