#include "exchange/adapter_file.hpp"

#include <algorithm>

#include "base/nearest_name.hpp"
#include "exchange/trunk.hpp"
#include "model/strict_json.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

using Metadata = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kFormat = "1";
constexpr std::string_view kKind = "adapter";
constexpr std::string_view kKeys[] = {"dfa.format", "dfa.kind",      "dfa.name",       "dfa.config",
                                      "dfa.crop",   "dfa.training",  "dfa.license",    "dfa.card",
                                      "dfa.base",   "dfa.item_rule", "dfa.substituted"};
constexpr std::size_t kMaxBaseText = 1 << 16;

const std::string& text_of(const Metadata& metadata, std::string_view key) {
  static const std::string kEmpty;
  const auto found = metadata.find(key);
  return found == metadata.end() ? kEmpty : found->second;
}

Status check_keys(const Metadata& metadata) {
  if (text_of(metadata, "dfa.kind") != kKind || text_of(metadata, "dfa.format") != kFormat)
    return fail(
        ErrorCode::model_incompatible,
        "dfa.kind is \"{}\" and dfa.format \"{}\", expected \"{}\" and \"{}\"\n  likely cause: this is no adapter "
        "file\n  next step: dfa-train export RUN --adapter-only FILE, or dfa export MODEL --to adapter --out FILE",
        text_of(metadata, "dfa.kind").substr(0, 40), text_of(metadata, "dfa.format").substr(0, 40), kKind, kFormat);
  for (const auto& [key, value] : metadata)
    if (key.starts_with("dfa.") && std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
      return fail(ErrorCode::model_incompatible, "metadata key {} is not known to this build (nearest: {})",
                  key.substr(0, 100), nearest_name(key.substr(0, 100), kKeys));
  return {};
}

Status take_base(const std::string& text, AdapterRecord& to) {
  const Json json = text.size() > kMaxBaseText ? Json() : Json::parse(text, nullptr, false);
  const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  if (!json.is_object() || json.size() != 3 || !is_text("name") || !is_text("sha256") || !is_text("tuning"))
    return fail(ErrorCode::model_incompatible,
                "dfa.base is {}, expected an object of the texts name, sha256 and tuning",
                text.empty() ? "missing" : text.substr(0, 100));
  to.base_name = json["name"].get<std::string>();
  to.base_sha256 = json["sha256"].get<std::string>();
  to.tuning = json["tuning"].get<std::string>();
  return {};
}

Result<AdapterRecord> parse_adapter(const TensorFile& file) {
  DFA_TRY(check_keys(file.metadata));
  AdapterRecord adapter;
  adapter.model.kind = kKind;
  DFA_TRY(take_base(text_of(file.metadata, "dfa.base"), adapter));
  DFA_ASSIGN_OR_RETURN(adapter.model.config, parse_network_config(text_of(file.metadata, "dfa.config")));
  DFA_ASSIGN_OR_RETURN(adapter.model.crop, parse_crop_recipe(text_of(file.metadata, "dfa.crop")));
  if (const std::string& rule = text_of(file.metadata, "dfa.item_rule"); !rule.empty()) {
    DFA_ASSIGN_OR_RETURN(adapter.model.item_rule, parse_item_rule(rule));
  }
  adapter.model.substituted = text_of(file.metadata, "dfa.substituted");
  adapter.model.name = text_of(file.metadata, "dfa.name");
  adapter.model.training = text_of(file.metadata, "dfa.training");
  adapter.model.license = text_of(file.metadata, "dfa.license");
  adapter.model.card = text_of(file.metadata, "dfa.card");
  adapter.model.weights = file.tensors;
  return adapter;
}

}  // namespace

std::vector<ParameterSpec> parameters_beside_trunk(const NetworkConfig& config) {
  std::vector<ParameterSpec> specs = network_parameters(config);
  std::erase_if(specs, [](const ParameterSpec& spec) { return spec.group == ParameterGroup::trunk; });
  return specs;
}

std::string frozen_trunk_word(const NetworkConfig& config) {
  if (config.gba && config.lsa) return "gba+lsa";
  if (config.gba) return "gba";
  return config.lsa ? "lsa" : "linear";
}

Status write_adapter_record(const AdapterRecord& adapter, const std::filesystem::path& path) {
  TensorFile file;
  for (const auto& [name, tensor] : adapter.model.weights) file.tensors[name] = convert_floats(tensor, Dtype::f32);
  const Json base = {{"name", adapter.base_name}, {"sha256", adapter.base_sha256}, {"tuning", adapter.tuning}};
  file.metadata["dfa.format"] = kFormat;
  file.metadata["dfa.kind"] = kKind;
  file.metadata["dfa.config"] = network_config_json(adapter.model.config);
  file.metadata["dfa.crop"] = crop_recipe_json(adapter.model.crop);
  file.metadata["dfa.base"] = json_text(base);
  if (adapter.model.item_rule != ItemRule::persons)
    file.metadata["dfa.item_rule"] = item_rule_name(adapter.model.item_rule);
  for (const auto& [key, text] : {std::pair<const char*, const std::string&>{"dfa.name", adapter.model.name},
                                  {"dfa.training", adapter.model.training},
                                  {"dfa.license", adapter.model.license},
                                  {"dfa.card", adapter.model.card},
                                  {"dfa.substituted", adapter.model.substituted}})
    if (!text.empty()) file.metadata[key] = text;
  return write_safetensors(file, path);
}

Result<AdapterRecord> read_adapter_record(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const TensorFile file, read_safetensors(path));
  auto adapter = parse_adapter(file);
  if (!adapter) return fail_within(path.string(), std::move(adapter).error());
  return adapter;
}

Result<TensorMap> adapter_on_trunk(const AdapterRecord& adapter, const std::filesystem::path& base) {
  const NetworkConfig& network = adapter.model.config;
  TensorMap weights;
  DFA_TRY(put_pretrained_trunk(network, base, weights));
  const std::string got = trunk_sha256(network, weights);
  if (got != adapter.base_sha256)
    return fail(ErrorCode::model_incompatible,
                "{}: its trunk is not the one that the adapter was trained on\n  got SHA-256 {}, expected {}\n  next "
                "step: give the file that the run began with ({})",
                base.string(), got, adapter.base_sha256, adapter.base_name);
  for (const auto& [name, tensor] : adapter.model.weights) weights[name] = tensor;
  return weights;
}

}  // namespace dfa
