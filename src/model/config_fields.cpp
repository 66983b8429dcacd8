// `--set key=value`: one table of keys, nested and flat names side by side.
#include <charconv>

#include "base/nearest_name.hpp"
#include "model/config_json.hpp"
#include "model/model.hpp"

namespace dfa {
namespace {

// Values that are out of any network's range are left to check_config, which knows how the fields depend on each other:
// while several fields are being set, they need not fit together yet.
Status set_size(int& field, std::string_view value) {
  int parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size() || parsed < 1)
    return fail(ErrorCode::usage, "got \"{}\", expected a whole number above 0", value);
  field = parsed;
  return {};
}

Status set_eps(double& field, std::string_view value) {
  double parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size() || !(parsed > 0 && parsed < 1))
    return fail(ErrorCode::usage, "got \"{}\", expected a number above 0 and below 1", value);
  field = parsed;
  return {};
}

Status set_switch(bool& field, std::string_view value) {
  if (value != "true" && value != "false") return fail(ErrorCode::usage, "got \"{}\", expected true or false", value);
  field = value == "true";
  return {};
}

Status set_stages(std::vector<StageRange>& field, std::string_view value) {
  const auto refuse = [&] {
    return fail(ErrorCode::usage, "got \"{}\", expected block ranges like [[0,3],[4,7],[8,11]]", value.substr(0, 200));
  };
  const auto record = parse_record(fmt::format("{{\"stages\":{}}}", value), "--set");
  if (!record || record->size() != 1) return refuse();
  auto stages = parse_stages(record->at("stages"), "--set");
  if (!stages) return refuse();
  field = std::move(*stages);
  return {};
}

// What the reader of a file refuses as incompatible is a wrong option here.
Status as_usage(const Status& status) {
  if (!status) return fail(ErrorCode::usage, "{}", status.error().message);
  return {};
}

template <class Value>
Status take_word(Value& field, const Result<Value>& parsed) {
  if (!parsed) return fail(ErrorCode::usage, "{}", parsed.error().message);
  field = *parsed;
  return {};
}

// A count that may be 0.
Status set_count(int& field, std::string_view value) {
  if (value != "0") return set_size(field, value);
  field = 0;
  return {};
}

// "learned", or the base of rotary positions.
Status set_positions(NetworkConfig& config, std::string_view value) {
  if (value == "learned") {
    config.positions = Positions::learned;
    return {};
  }
  double base = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), base);
  if (error != std::errc() || end != value.data() + value.size() || !(base > 1))
    return fail(ErrorCode::usage, "got \"{}\", expected learned or the base of rotary positions, as in rotary_base=100",
                value.substr(0, 40));
  config.positions = Positions::rotary;
  config.rotary_base = base;
  return {};
}

// Fields with one value in this version.
Status expect_only(std::string_view only, std::string_view value) {
  if (value != only)
    return fail(ErrorCode::usage, "got \"{}\", this build knows only \"{}\"", value.substr(0, 40), only);
  return {};
}

struct Field {
  std::string_view key;
  Status (*set)(NetworkConfig& config, std::string_view value);
};

constexpr auto set_gba = [](NetworkConfig& c, std::string_view v) { return set_switch(c.gba, v); };
constexpr auto set_bottleneck = [](NetworkConfig& c, std::string_view v) { return set_size(c.bottleneck, v); };
constexpr auto set_lsa_heads = [](NetworkConfig& c, std::string_view v) { return set_size(c.lsa_heads, v); };
constexpr auto set_spm_width = [](NetworkConfig& c, std::string_view v) { return set_size(c.spm_width, v); };
constexpr auto set_stage_list = [](NetworkConfig& c, std::string_view v) { return set_stages(c.stages, v); };
constexpr auto set_head_kind = [](NetworkConfig& c, std::string_view v) { return take_word(c.head, parse_head(v)); };
constexpr auto set_classes = [](NetworkConfig& c, std::string_view v) { return set_size(c.classes, v); };

constexpr Field kFields[] = {
    {"arch", [](NetworkConfig&, std::string_view v) { return expect_only("vit", v); }},
    {"image", [](NetworkConfig& c, std::string_view v) { return set_size(c.image, v); }},
    {"patch", [](NetworkConfig& c, std::string_view v) { return set_size(c.patch, v); }},
    {"dim", [](NetworkConfig& c, std::string_view v) { return set_size(c.dim, v); }},
    {"depth", [](NetworkConfig& c, std::string_view v) { return set_size(c.depth, v); }},
    {"heads", [](NetworkConfig& c, std::string_view v) { return set_size(c.heads, v); }},
    {"mlp", [](NetworkConfig& c, std::string_view v) { return set_size(c.mlp, v); }},
    {"activation", [](NetworkConfig& c, std::string_view v) { return take_word(c.activation, parse_activation(v)); }},
    {"gated_mlp", [](NetworkConfig& c, std::string_view v) { return set_switch(c.gated_mlp, v); }},
    {"norm_eps", [](NetworkConfig& c, std::string_view v) { return set_eps(c.norm_eps, v); }},
    {"pre_norm", [](NetworkConfig& c, std::string_view v) { return set_switch(c.pre_norm, v); }},
    {"patch_bias", [](NetworkConfig& c, std::string_view v) { return set_switch(c.patch_bias, v); }},
    {"distilled", [](NetworkConfig& c, std::string_view v) { return set_switch(c.distilled, v); }},
    {"registers", [](NetworkConfig& c, std::string_view v) { return set_count(c.registers, v); }},
    {"layer_scale", [](NetworkConfig& c, std::string_view v) { return set_switch(c.layer_scale, v); }},
    {"rotary_base", set_positions},
    {"gba", set_gba},
    {"gba.bottleneck", set_bottleneck},
    {"bottleneck", set_bottleneck},
    {"lsa", [](NetworkConfig& c, std::string_view v) { return set_switch(c.lsa, v); }},
    {"lsa.heads", set_lsa_heads},
    {"lsa_heads", set_lsa_heads},
    {"lsa.spm_width", set_spm_width},
    {"spm_width", set_spm_width},
    {"lsa.source",
     [](NetworkConfig& c, std::string_view v) { return take_word(c.spatial_source, parse_spatial_source(v)); }},
    {"lsa.stages", set_stage_list},
    {"stages", set_stage_list},
    {"readout", [](NetworkConfig& c, std::string_view v) { return as_usage(set_readout(c, v)); }},
    {"readout_norm",
     [](NetworkConfig& c, std::string_view v) { return take_word(c.readout_norm, parse_readout_norm(v)); }},
    {"head", set_head_kind},
    {"head.kind", set_head_kind},
    {"head.classes", set_classes},
    {"classes", set_classes},
};

}  // namespace

Status set_network_field(NetworkConfig& config, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos)
    return fail(ErrorCode::usage, "--set {}: expected key=value, as in --set heads=3", assignment.substr(0, 100));
  const std::string_view key = assignment.substr(0, equals);
  std::vector<std::string_view> known;
  for (const Field& field : kFields) {
    known.push_back(field.key);
    if (field.key != key) continue;
    const Status status = field.set(config, assignment.substr(equals + 1));
    if (!status) return fail_within(fmt::format("--set {}", key), status.error());
    return {};
  }
  return fail(ErrorCode::usage, "--set {}: there is no such key; did you mean {}?", key.substr(0, 100),
              nearest_name(key, known));
}

}  // namespace dfa
