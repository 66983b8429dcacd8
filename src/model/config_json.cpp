#include "model/config_json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "model/model.hpp"

namespace dfa {
namespace {

constexpr std::string_view kWhat = "dfa.config";
// More blocks than that are refused by check_config anyway.
constexpr std::size_t kMaxStages = 4096;

struct ReadoutName {
  Readout readout;
  std::string_view name;
};
constexpr ReadoutName kReadouts[] = {
    {Readout::token0, "token0"}, {Readout::cls, "cls"}, {Readout::level_mean, "level-mean"}};
constexpr std::string_view kQueryPrefix = "query:";

template <class Value>
struct Word {
  Value value;
  std::string_view name;
};
constexpr Word<Activation> kActivations[] = {
    {Activation::gelu, "gelu"}, {Activation::quick_gelu, "quick-gelu"}, {Activation::silu, "silu"}};
constexpr Word<SpatialSource> kSpatialSources[] = {{SpatialSource::image, "image"}, {SpatialSource::patch, "patch"}};
constexpr Word<HeadKind> kHeads[] = {
    {HeadKind::batchnorm_linear, "batchnorm_linear"}, {HeadKind::l2_linear, "l2_linear"}, {HeadKind::linear, "linear"}};

template <class Value, std::size_t N>
std::string_view word_of(const Word<Value> (&words)[N], Value value) {
  for (const Word<Value>& word : words)
    if (word.value == value) return word.name;
  return "unknown";
}

template <class Value, std::size_t N>
Result<Value> parse_word(const Word<Value> (&words)[N], std::string_view what, std::string_view name) {
  std::string known;
  for (const Word<Value>& word : words) {
    if (word.name == name) return word.value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", word.name);
  }
  return fail(ErrorCode::model_incompatible, "{} \"{}\" is not known, expected one of {}", what, name.substr(0, 40),
              known);
}

Json stages_json(const std::vector<StageRange>& stages) {
  Json list = Json::array();
  for (const StageRange& stage : stages) list.push_back({stage.first, stage.last});
  return list;
}

Result<int> size_field(RecordReader& reader, const std::string& key) {
  // check_config knows the real bounds; here it only has to fit an int.
  DFA_ASSIGN_OR_RETURN(const std::int64_t value, reader.integer(key, 1, std::numeric_limits<int>::max()));
  return static_cast<int>(value);
}

// An adapter is an object with its sizes, or false where the network has none.
Result<bool> has_adapter(RecordReader& reader, const std::string& key) {
  DFA_ASSIGN_OR_RETURN(const Json* value, reader.any(key));
  if (value->is_object()) return true;
  if (value->is_boolean() && !value->get<bool>()) return false;
  return reader.refuse(key, "an object with its sizes, or false");
}

Status read_gba(RecordReader& reader, NetworkConfig& config) {
  DFA_ASSIGN_OR_RETURN(config.gba, has_adapter(reader, "gba"));
  if (!config.gba) return {};
  DFA_ASSIGN_OR_RETURN(const Json* object, reader.object("gba"));
  RecordReader gba(*object, "dfa.config gba");
  DFA_ASSIGN_OR_RETURN(config.bottleneck, size_field(gba, "bottleneck"));
  return gba.finish();
}

Status read_lsa(RecordReader& reader, NetworkConfig& config) {
  DFA_ASSIGN_OR_RETURN(config.lsa, has_adapter(reader, "lsa"));
  if (!config.lsa) return {};
  DFA_ASSIGN_OR_RETURN(const Json* object, reader.object("lsa"));
  RecordReader lsa(*object, "dfa.config lsa");
  DFA_ASSIGN_OR_RETURN(config.lsa_heads, size_field(lsa, "heads"));
  DFA_ASSIGN_OR_RETURN(config.spm_width, size_field(lsa, "spm_width"));
  if (lsa.has("source")) {  // absent: the image
    DFA_ASSIGN_OR_RETURN(const std::string source, lsa.text("source"));
    DFA_ASSIGN_OR_RETURN(config.spatial_source, parse_spatial_source(source));
  }
  DFA_ASSIGN_OR_RETURN(const Json* stages, lsa.list("stages"));
  DFA_ASSIGN_OR_RETURN(config.stages, parse_stages(*stages, "dfa.config lsa"));
  return lsa.finish();
}

Status read_head(RecordReader& reader, NetworkConfig& config, ConfigHead head) {
  if (head == ConfigHead::absent) {
    for (const char* key : {"readout", "head"}) {
      DFA_ASSIGN_OR_RETURN(const bool present, reader.boolean(key));
      if (present) return reader.refuse(key, "false, as a backbone has none");
    }
    config.readout = Readout::cls;
    return {};
  }
  DFA_ASSIGN_OR_RETURN(const std::string readout, reader.text("readout"));
  DFA_TRY(set_readout(config, readout));
  if (reader.has("readout_norm")) {  // files of before this field: the trunk's
    DFA_ASSIGN_OR_RETURN(const std::string norm, reader.text("readout_norm"));
    DFA_ASSIGN_OR_RETURN(config.readout_norm, parse_readout_norm(norm));
  }
  DFA_ASSIGN_OR_RETURN(const Json* object, reader.object("head"));
  RecordReader fields(*object, "dfa.config head");
  DFA_ASSIGN_OR_RETURN(const std::string kind, fields.text("kind"));
  const auto known = parse_head(kind);
  if (!known) return fields.refuse("kind", "batchnorm_linear, l2_linear or linear");
  config.head = *known;
  DFA_ASSIGN_OR_RETURN(config.classes, size_field(fields, "classes"));
  return fields.finish();
}

Status read_switch(RecordReader& reader, const std::string& key, bool& field) {
  if (!reader.has(key)) return {};
  DFA_ASSIGN_OR_RETURN(field, reader.boolean(key));
  return {};
}

// What tells one kind of ViT from another. All but the first two may be absent, as in files of before these fields.
Status read_trunk_kind(RecordReader& reader, NetworkConfig& config) {
  DFA_ASSIGN_OR_RETURN(const std::string activation, reader.text("activation"));
  DFA_ASSIGN_OR_RETURN(config.activation, parse_activation(activation));
  DFA_ASSIGN_OR_RETURN(config.pre_norm, reader.boolean("pre_norm"));
  DFA_TRY(read_switch(reader, "gated_mlp", config.gated_mlp));
  DFA_TRY(read_switch(reader, "patch_bias", config.patch_bias));
  DFA_TRY(read_switch(reader, "distilled", config.distilled));
  DFA_TRY(read_switch(reader, "layer_scale", config.layer_scale));
  if (reader.has("registers")) {
    DFA_ASSIGN_OR_RETURN(config.registers, size_field(reader, "registers"));
  }
  if (reader.has("rotary_base")) {
    config.positions = Positions::rotary;
    DFA_ASSIGN_OR_RETURN(config.rotary_base, reader.number("rotary_base", 0, std::numeric_limits<double>::max()));
  }
  return {};
}

// Only what differs from a plain ViT is written: the files of plain ones stay what they were, byte for byte.
void write_trunk_kind(Json& json, const NetworkConfig& config) {
  if (config.gated_mlp) json["gated_mlp"] = true;
  if (!config.patch_bias) json["patch_bias"] = false;
  if (config.distilled) json["distilled"] = true;
  if (config.layer_scale) json["layer_scale"] = true;
  if (config.registers > 0) json["registers"] = config.registers;
  if (config.positions == Positions::rotary) json["rotary_base"] = config.rotary_base;
}

Json lsa_json(const NetworkConfig& config) {
  if (!config.lsa) return Json(false);
  Json json = Json::object(
      {{"heads", config.lsa_heads}, {"spm_width", config.spm_width}, {"stages", stages_json(config.stages)}});
  if (config.spatial_source != SpatialSource::image) json["source"] = spatial_source_name(config.spatial_source);
  return json;
}

}  // namespace

std::string readout_name(const NetworkConfig& config) {
  for (const ReadoutName& known : kReadouts)
    if (known.readout == config.readout) return std::string(known.name);
  return fmt::format("{}{}", kQueryPrefix, config.queries);
}

Status set_readout(NetworkConfig& config, std::string_view name) {
  for (const ReadoutName& known : kReadouts)
    if (known.name == name) {
      config.readout = known.readout;
      config.queries = NetworkConfig{}.queries;
      return {};
    }
  if (name.starts_with(kQueryPrefix)) {
    const std::string_view count = name.substr(kQueryPrefix.size());
    int queries = 0;
    const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), queries);
    if (error == std::errc() && end == count.data() + count.size() && queries >= 1 && queries <= kMaxQueries) {
      config.readout = Readout::query;
      config.queries = queries;
      return {};
    }
  }
  return fail(ErrorCode::model_incompatible,
              "readout \"{}\" is not known, expected token0, cls, level-mean or query:K with K from 1 to {}",
              name.substr(0, 40), kMaxQueries);
}

std::string_view readout_norm_name(ReadoutNorm norm) {
  return norm == ReadoutNorm::own ? "own" : "trunk";
}

Result<ReadoutNorm> parse_readout_norm(std::string_view name) {
  for (const ReadoutNorm norm : {ReadoutNorm::trunk, ReadoutNorm::own})
    if (readout_norm_name(norm) == name) return norm;
  return fail(ErrorCode::model_incompatible, "readout_norm \"{}\" is not known, expected trunk or own",
              name.substr(0, 40));
}

std::string_view activation_name(Activation activation) {
  return word_of(kActivations, activation);
}

Result<Activation> parse_activation(std::string_view name) {
  return parse_word(kActivations, "activation", name);
}

std::string_view spatial_source_name(SpatialSource source) {
  return word_of(kSpatialSources, source);
}

Result<SpatialSource> parse_spatial_source(std::string_view name) {
  return parse_word(kSpatialSources, "lsa source", name);
}

std::string_view head_name(HeadKind head) {
  return word_of(kHeads, head);
}

Result<HeadKind> parse_head(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '-', '_');
  return parse_word(kHeads, "head", text);
}

Result<std::vector<StageRange>> parse_stages(const Json& list, std::string_view what) {
  const auto refuse = [&] {
    return fail(ErrorCode::model_incompatible, "{}: stages are no list of block ranges like [[0,3],[4,7]]", what);
  };
  if (!list.is_array() || list.size() > kMaxStages) return refuse();
  std::vector<StageRange> stages;
  for (const Json& range : list) {
    if (!range.is_array() || range.size() != 2) return refuse();
    for (const Json& bound : range)
      if (!bound.is_number_unsigned() || bound.get<std::uint64_t>() > kMaxStages) return refuse();
    stages.push_back({range[0].get<int>(), range[1].get<int>()});
  }
  return stages;
}

std::string config_text(const NetworkConfig& config, ConfigHead head) {
  Json json;
  json["arch"] = config.arch;
  json["image"] = config.image;
  json["patch"] = config.patch;
  json["dim"] = config.dim;
  json["depth"] = config.depth;
  json["heads"] = config.heads;
  json["mlp"] = config.mlp;
  json["activation"] = activation_name(config.activation);
  json["norm_eps"] = config.norm_eps;
  json["pre_norm"] = config.pre_norm;
  write_trunk_kind(json, config);
  json["gba"] = config.gba ? Json::object({{"bottleneck", config.bottleneck}}) : Json(false);
  json["lsa"] = lsa_json(config);
  const bool whole = head == ConfigHead::present;
  json["readout"] = whole ? Json(readout_name(config)) : Json(false);
  if (whole) json["readout_norm"] = readout_norm_name(config.readout_norm);
  json["head"] = whole ? Json::object({{"kind", head_name(config.head)}, {"classes", config.classes}}) : Json(false);
  return json_text(json);
}

Result<NetworkConfig> parse_config(std::string_view text, ConfigHead head) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_record(text, kWhat));
  RecordReader reader(json, std::string(kWhat));
  NetworkConfig config;
  DFA_ASSIGN_OR_RETURN(config.arch, reader.text("arch"));
  DFA_ASSIGN_OR_RETURN(config.image, size_field(reader, "image"));
  DFA_ASSIGN_OR_RETURN(config.patch, size_field(reader, "patch"));
  DFA_ASSIGN_OR_RETURN(config.dim, size_field(reader, "dim"));
  DFA_ASSIGN_OR_RETURN(config.depth, size_field(reader, "depth"));
  DFA_ASSIGN_OR_RETURN(config.heads, size_field(reader, "heads"));
  DFA_ASSIGN_OR_RETURN(config.mlp, size_field(reader, "mlp"));
  DFA_ASSIGN_OR_RETURN(config.norm_eps, reader.number("norm_eps", 0, 1));
  DFA_TRY(read_trunk_kind(reader, config));
  DFA_TRY(read_gba(reader, config));
  DFA_TRY(read_lsa(reader, config));
  DFA_TRY(read_head(reader, config, head));
  DFA_TRY(reader.finish());
  DFA_TRY(check_config(config));
  return config;
}

std::string network_config_json(const NetworkConfig& config) {
  return config_text(config, ConfigHead::present);
}

Result<NetworkConfig> parse_network_config(std::string_view json) {
  return parse_config(json, ConfigHead::present);
}

}  // namespace dfa
