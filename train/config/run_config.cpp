#include "train/config/run_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "base/file.hpp"
#include "base/nearest_name.hpp"
#include "exchange/trunk_config.hpp"
#include "model/model.hpp"
#include "train/config/class_weights_json.hpp"
#include "train/config/run_config_json.hpp"
#include "train/nets/backbone.hpp"

namespace dfa::train {

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;
constexpr int kMlpRatio = 4;
// Names of the network's fields that may be used without "network.": those of the golden files and of dfa.config.
constexpr const char* kNetworkFields[] = {
    "arch",         "image",       "patch",     "dim",       "depth",      "heads",     "mlp",
    "activation",   "norm_eps",    "gated_mlp", "pre_norm",  "patch_bias", "distilled", "registers",
    "layer_scale",  "rotary_base", "gba",       "lsa",       "bottleneck", "stages",    "readout",
    "readout_norm", "head",        "lsa_heads", "spm_width", "classes"};
// A configuration that says all of these, as every resolved one does, says the whole trunk: of the other fields it
// leaves out those that are timm's.
constexpr const char* kWholeTrunk[] = {"image", "patch",      "dim",      "depth",   "heads",
                                       "mlp",   "activation", "norm_eps", "pre_norm"};

// Whether `b` may take the place of `a` at `key`.
bool same_kind(const std::string& key, const Json& a, const Json& b) {
  if (key == kClassWeightsKey) return b.is_string() || b.is_array();
  if (a.is_number() && b.is_number()) return true;
  return a.type() == b.type();
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

tl::unexpected<Error> unknown_key(std::string_view what, const std::string& path, const std::string& key,
                                  const Json& known) {
  std::vector<std::string> keys = keys_of(known);
  if (path.empty()) keys.insert(keys.end(), std::begin(kNetworkFields), std::end(kNetworkFields));
  return fail(ErrorCode::usage, "{}: unknown key \"{}{}\"; did you mean \"{}{}\"?", what, path, key, path,
              nearest_name(key, keys));
}

// Replaces values of `base` by those of `change`, key by key. Errors: usage for a key that `base` does not have or a
// value of another kind.
Status merge(Json& base, const Json& change, std::string_view what, const std::string& path) {
  for (const auto& [key, value] : change.items()) {
    if (!base.contains(key)) return unknown_key(what, path, key, base);
    Json& target = base[key];
    if (!same_kind(path + key, target, value))
      return fail(ErrorCode::usage, "{}: \"{}{}\" is {}, expected {} such as {}", what, path, key, short_dump(value),
                  target.type_name(), short_dump(target));
    if (target.is_object())
      DFA_TRY(merge(target, value, what, path + key + "."));
    else
      target = value;
  }
  return {};
}

// "a.b=value", taken apart. Values are JSON; what is no JSON, and anything for a key that holds text, is text.
struct Assignment {
  std::string key;
  std::string value;
};

Result<Assignment> parse_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    return fail(ErrorCode::usage, "--set: got \"{}\", expected key=value", text);
  return Assignment{text.substr(0, equals), text.substr(equals + 1)};
}

// {"a": {"b": value}}
Json assignment_json(const Assignment& assignment, const Json& defaults) {
  std::string path = "/" + assignment.key;
  std::replace(path.begin(), path.end(), '.', '/');
  const Json::json_pointer pointer(path);
  Json value = Json::parse(assignment.value, nullptr, false);
  const bool holds_text = defaults.contains(pointer) && defaults[pointer].is_string();
  if (value.is_discarded() || (holds_text && !value.is_string())) value = assignment.value;
  Json change;
  change[pointer] = value;
  return change;
}

// The network's fields are set one by one through the model room, which knows nested and flat names and the order they
// need.
class NetworkFields {
 public:
  void add(const std::string& key, const Json& value) {
    if (value.is_object()) {
      if (key == "gba" || key == "lsa") add(key, true);  // an object with its sizes says that it is there
      for (const auto& [inner, inner_value] : value.items()) add(key.empty() ? inner : key + "." + inner, inner_value);
      return;
    }
    assignments_.push_back(key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
    given_.insert(key);
  }
  bool say_whole_trunk() const {
    return std::all_of(std::begin(kWholeTrunk), std::end(kWholeTrunk), [&](const char* key) { return is_given(key); });
  }
  // What is not given: adapters as the word of tuning says, read-out token0 with LSA and cls without, MLP width 4 x dim
  // where only dim is given; with a trunk whatever that has, and adapters that fit it.
  Result<NetworkConfig> resolve(std::string_view what, const Tuning& tuning,
                                const std::optional<NetworkConfig>& trunk) const {
    NetworkConfig config = default_network(tuning);
    if (trunk) take_trunk(*trunk, config);
    for (const std::string& assignment : assignments_)
      if (const Status set = set_network_field(config, assignment); !set) return fail_within(what, set.error());
    if (is_given("dim") && !is_given("mlp")) config.mlp = kMlpRatio * config.dim;
    if (trunk && config.lsa) fit_interactions(config);
    if (!is_given("readout")) config.readout = config.lsa ? Readout::token0 : Readout::cls;
    if (!config.lsa && (config.readout == Readout::token0 || config.readout == Readout::level_mean))
      return fail(
          ErrorCode::usage,
          "{}: the network's readout reads the spatial maps of LSA, and with tuning \"{}\" this network has no "
          "LSA\n  next step: --set readout=cls or query:K, or --set network.lsa=true with a tuning that trains it",
          what, tuning_word(tuning));
    if (const Status good = check_config(config); !good) return fail_within(what, good.error());
    if (const Status fits = check_tuning(tuning, config); !fits) return fail_within(what, fits.error());
    return config;
  }

 private:
  bool is_given(const std::string& key) const { return given_.contains(key); }

  void fit_interactions(NetworkConfig& config) const {
    if (!is_given("lsa_heads") && !is_given("lsa.heads")) config.lsa_heads = interaction_heads(config.dim);
    if (!is_given("stages") && !is_given("lsa.stages")) config.stages = even_stages(config.depth);
  }

  std::vector<std::string> assignments_;
  std::set<std::string> given_;
};

// The trunk that the network's defaults come from. What is wrong with its file is said where it is loaded: a
// configuration may be read where the file is not.
std::optional<NetworkConfig> default_trunk(const NetworkFields& network, const std::string& pretrained) {
  if (pretrained.empty() || network.say_whole_trunk()) return std::nullopt;
  return trunk_of_file(pretrained).value_or(std::nullopt);
}

bool is_network_field(std::string_view key) {
  return std::find(std::begin(kNetworkFields), std::end(kNetworkFields), key) != std::end(kNetworkFields);
}

// A word that decides on defaults, such as "augment.set": of the last override that names it, else of the file; empty
// where neither does.
std::string deciding_word(const std::string& key, const Json& file, std::span<const std::string> overrides) {
  for (auto it = overrides.rbegin(); it != overrides.rend(); ++it)
    if (it->starts_with(key + "=")) {
      const std::string text = it->substr(key.size() + 1);
      const Json value = Json::parse(text, nullptr, false);
      return value.is_string() ? value.get<std::string>() : text;
    }
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  const Json::json_pointer pointer(path);
  return file.contains(pointer) && file[pointer].is_string() ? file[pointer].get<std::string>() : std::string();
}

// The defaults that belong to the training recipe, the crop recipe and the augmentation set that are asked for.
Result<Json> defaults_for(const Json& file, std::span<const std::string> overrides) {
  RunConfig config = recipe_defaults(Recipe::standard);
  if (const std::string name = deciding_word("recipe", file, overrides); !name.empty()) {
    DFA_ASSIGN_OR_RETURN(const Recipe recipe, recipe_by_name(name));
    config = recipe_defaults(recipe);
    if (recipe == Recipe::official && deciding_word("device", file, overrides).starts_with("cuda"))
      config.compute = Compute::f16;  // as published
  }
  if (const std::string set = deciding_word("augment.set", file, overrides); !set.empty()) {
    DFA_ASSIGN_OR_RETURN(config.augment_set, augment_set_by_name(set));
    config.augment = augment_options_of(config.augment_set);
  }
  const std::string crop = deciding_word("crop.name", file, {});
  DFA_ASSIGN_OR_RETURN(config.crop, crop_recipe_by_name(crop.empty() ? config.crop.name : crop));
  return run_config_to_json(config);
}

}  // namespace

Result<RunConfig> parse_run_config(std::string_view json, std::string_view what,
                                   std::span<const std::string> overrides) {
  Json file = Json::parse(json, nullptr, false);
  if (!file.is_object())
    return fail(ErrorCode::usage, "{}: not a JSON object, expected a training configuration", what);
  DFA_ASSIGN_OR_RETURN(Json merged, defaults_for(file, overrides));
  NetworkFields network;
  if (file.contains("network")) {
    if (!file["network"].is_object())
      return fail(ErrorCode::usage, "{}: \"network\" is {}, expected an object", what, short_dump(file["network"]));
    network.add("", file["network"]);
    file.erase("network");
  }
  DFA_TRY(merge(merged, file, what, ""));
  for (const std::string& text : overrides) {
    DFA_ASSIGN_OR_RETURN(const Assignment assignment, parse_assignment(text));
    const std::string first = assignment.key.substr(0, assignment.key.find('.'));
    if (first == "network")
      network.add(assignment.key.substr(std::min(assignment.key.size(), first.size() + 1)), assignment.value);
    else if (!merged.contains(first) && is_network_field(assignment.key))
      network.add(assignment.key, assignment.value);
    else
      DFA_TRY(merge(merged, assignment_json(assignment, merged), "--set " + text, ""));
  }
  DFA_ASSIGN_OR_RETURN(const Tuning tuning, parse_tuning(merged["tuning"].get<std::string>()));
  DFA_ASSIGN_OR_RETURN(const NetworkConfig resolved,
                       network.resolve(what, tuning, default_trunk(network, merged["pretrained"].get<std::string>())));
  return run_config_from_json(merged, resolved);
}

Result<RunConfig> read_run_config(const std::filesystem::path& path, std::span<const std::string> overrides) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxConfigBytes));
  return parse_run_config(text, path.string(), overrides);
}

std::string run_config_json(const RunConfig& config) {
  return run_config_to_json(config).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dfa::train
