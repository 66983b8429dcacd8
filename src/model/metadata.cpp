#include "model/metadata.hpp"

#include <charconv>
#include <set>

#include "base/nearest_name.hpp"
#include "model/calibration_json.hpp"
#include "model/config_json.hpp"
#include "model/quantised_json.hpp"

namespace dfa {
namespace {

constexpr std::string_view kKnownKeys[] = {
    "dfa.format",   "dfa.kind",    "dfa.name", "dfa.config", "dfa.crop",      "dfa.calibration", "dfa.quant",
    "dfa.training", "dfa.license", "dfa.card", "dfa.base",   "dfa.item_rule", "dfa.substituted"};
constexpr std::size_t kMaxTextBytes = 16 << 20;

ConfigHead head_of(std::string_view kind) {
  return kind == kBackbone ? ConfigHead::absent : ConfigHead::present;
}

const std::string* find(const Metadata& metadata, std::string_view key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

Status check_format(const Metadata& metadata) {
  const std::string* text = find(metadata, "dfa.format");
  if (text == nullptr)
    return fail(
        ErrorCode::model_incompatible,
        "a safetensors file without dfa.format, expected a model file\n"
        "  likely cause: it holds bare weights\n"
        "  next step: dfa import official FILE --out M (a detector), or dfa import timm FILE --out M (a trunk)");
  int format = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), format);
  if (error != std::errc() || end != text->data() + text->size())
    return fail(ErrorCode::model_incompatible, "model format \"{}\", expected a number", text->substr(0, 40));
  if (format > kModelFormat)
    return fail(ErrorCode::model_incompatible,
                "model format {}, this build reads {}\n"
                "  likely cause: the file was exported by a newer dfa\n"
                "  next step: update dfa, or export the checkpoint again with this version",
                format, kModelFormat);
  if (format < kOldestModelFormat)
    return fail(ErrorCode::model_incompatible,
                "model format {}, this build reads {}\n  next step: export the checkpoint again", format, kModelFormat);
  return {};
}

Status check_keys(const Metadata& metadata) {
  const std::set<std::string_view> known(std::begin(kKnownKeys), std::end(kKnownKeys));
  // Keys of other programs ("format": "pt") mean nothing to us; ours must all be understood, as each may change what a
  // score means.
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with("dfa.")) continue;
    if (!known.contains(key))
      return fail(ErrorCode::model_incompatible,
                  "metadata key {} is not known to this build (nearest: {})\n"
                  "  likely cause: the file was exported by a newer dfa\n  next step: update dfa",
                  key.substr(0, 100), nearest_name(key, kKnownKeys));
    if (value.size() > kMaxTextBytes)
      return fail(ErrorCode::limit_exceeded, "metadata {}: {} bytes, at most {} are read", key, value.size(),
                  kMaxTextBytes);
  }
  if (metadata.contains("dfa.base"))
    return fail(ErrorCode::model_incompatible,
                "the file holds adapters for a base model (dfa.base), dfa reads whole models\n  next step: dfa "
                "export FILE --to merged --base TRUNK --out MODEL.dfa, or dfa-train merge");
  return {};
}

Result<std::string> read_kind(const Metadata& metadata) {
  const std::string* kind = find(metadata, "dfa.kind");
  if (kind == nullptr) return fail(ErrorCode::model_incompatible, "metadata dfa.kind is missing");
  if (*kind != kDetector && *kind != kBackbone)
    return fail(ErrorCode::model_incompatible, "dfa.kind is \"{}\", this build reads \"{}\" and \"{}\"",
                kind->substr(0, 40), kDetector, kBackbone);
  return *kind;
}

}  // namespace

Metadata model_metadata(const Model& model) {
  Metadata metadata;
  metadata["dfa.format"] = std::to_string(kModelFormat);
  metadata["dfa.kind"] = model.kind;
  metadata["dfa.config"] = config_text(model.config, head_of(model.kind));
  if (model.kind == kDetector) metadata["dfa.crop"] = crop_recipe_json(model.crop);
  if (model.calibration) metadata["dfa.calibration"] = calibration_json(*model.calibration);
  if (model.quantised) metadata["dfa.quant"] = quantised_json(*model.quantised);
  if (model.item_rule != ItemRule::persons) metadata["dfa.item_rule"] = item_rule_name(model.item_rule);
  for (const auto& [key, text] : {std::pair<const char*, const std::string&>{"dfa.name", model.name},
                                  {"dfa.training", model.training},
                                  {"dfa.license", model.license},
                                  {"dfa.card", model.card},
                                  {"dfa.substituted", model.substituted}})
    if (!text.empty()) metadata[key] = text;
  return metadata;
}

Result<Model> parse_metadata(const Metadata& metadata) {
  DFA_TRY(check_format(metadata));
  DFA_TRY(check_keys(metadata));
  Model model;
  DFA_ASSIGN_OR_RETURN(model.kind, read_kind(metadata));
  const std::string* config = find(metadata, "dfa.config");
  if (config == nullptr) return fail(ErrorCode::model_incompatible, "metadata dfa.config is missing");
  DFA_ASSIGN_OR_RETURN(model.config, parse_config(*config, head_of(model.kind)));
  if (model.kind == kBackbone && (model.config.gba || model.config.lsa))
    return fail(ErrorCode::model_incompatible, "dfa.config: a backbone with gba or lsa, expected a trunk alone");
  const std::string* crop = find(metadata, "dfa.crop");
  if ((crop != nullptr) != (model.kind == kDetector))
    return fail(ErrorCode::model_incompatible,
                "metadata dfa.crop is {}, expected it for a detector and for nothing else",
                crop != nullptr ? "present" : "missing");
  if (crop != nullptr) {
    DFA_ASSIGN_OR_RETURN(model.crop, parse_crop_recipe(*crop));
  }
  if (const std::string* calibration = find(metadata, "dfa.calibration")) {
    DFA_ASSIGN_OR_RETURN(model.calibration, parse_calibration(*calibration));
  }
  if (const std::string* quantised = find(metadata, "dfa.quant")) {
    if (model.kind != kDetector)
      return fail(ErrorCode::model_incompatible, "metadata dfa.quant in a {}, expected it in a detector", model.kind);
    DFA_ASSIGN_OR_RETURN(model.quantised, parse_quantised(*quantised));
  }
  if (const std::string* rule = find(metadata, "dfa.item_rule")) {
    DFA_ASSIGN_OR_RETURN(model.item_rule, parse_item_rule(*rule));
  }
  if (const std::string* substituted = find(metadata, "dfa.substituted")) model.substituted = *substituted;
  if (const std::string* name = find(metadata, "dfa.name")) model.name = *name;
  if (const std::string* license = find(metadata, "dfa.license")) model.license = *license;
  if (const std::string* card = find(metadata, "dfa.card")) model.card = *card;
  if (const std::string* training = find(metadata, "dfa.training")) {
    DFA_TRY(parse_record(*training, "dfa.training", kMaxTextBytes));
    model.training = *training;
  }
  return model;
}

}  // namespace dfa
