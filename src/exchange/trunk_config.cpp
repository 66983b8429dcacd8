#include "exchange/trunk_config.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "model/model.hpp"
#include "model/model_text.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

// The trunk's keys of `dfa.config`, with what a key that is not written stands for.
struct TrunkKey {
  const char* name;
  const char* absent;
};
constexpr TrunkKey kTrunkKeys[] = {{"arch", ""},
                                   {"image", ""},
                                   {"patch", ""},
                                   {"dim", ""},
                                   {"depth", ""},
                                   {"heads", ""},
                                   {"mlp", ""},
                                   {"activation", ""},
                                   {"gated_mlp", "false"},
                                   {"norm_eps", ""},
                                   {"pre_norm", ""},
                                   {"patch_bias", "true"},
                                   {"distilled", "false"},
                                   {"registers", "0"},
                                   {"layer_scale", "false"},
                                   {"rotary_base", "learned"}};

std::string value_of(const Json& json, const TrunkKey& key) {
  return json.contains(key.name) ? json[key.name].dump() : key.absent;
}

}  // namespace

Result<std::optional<NetworkConfig>> trunk_of_file(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const std::optional<Model> model, read_model_text(path));
  return model ? std::optional(model->config) : std::nullopt;
}

std::string trunk_differences(const NetworkConfig& network, const NetworkConfig& trunk) {
  const Json ours = Json::parse(network_config_json(network)), theirs = Json::parse(network_config_json(trunk));
  const bool any_image = network.positions == Positions::rotary && trunk.positions == Positions::rotary;
  std::string lines;
  for (const TrunkKey& key : kTrunkKeys) {
    if (any_image && std::string_view(key.name) == "image") continue;
    const std::string got = value_of(ours, key), expected = value_of(theirs, key);
    if (got != expected) lines += fmt::format("\n  network.{} is {}, the file's trunk has {}", key.name, got, expected);
  }
  return lines;
}

}  // namespace dfa
