#include "train/nets/backbone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "model/model.hpp"

namespace dfa::train {
namespace {

using Json = nlohmann::json;

constexpr int kPublishedHeads = 6;
constexpr double kPublishedHeadWidth = 128;
constexpr int kMostStages = 3;

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

void take_trunk(const NetworkConfig& trunk, NetworkConfig& network) {
  NetworkConfig merged = trunk;
  merged.gba = network.gba;
  merged.bottleneck = network.bottleneck;
  merged.lsa = network.lsa;
  merged.lsa_heads = network.lsa_heads;
  merged.spm_width = network.spm_width;
  merged.spatial_source = network.spatial_source;
  merged.stages = network.stages;
  merged.readout = network.readout;
  merged.queries = network.queries;
  merged.readout_norm = network.readout_norm;
  merged.head = network.head;
  merged.classes = network.classes;
  network = merged;
}

int interaction_heads(int dim) {
  if (dim % kPublishedHeads == 0) return kPublishedHeads;
  int best = 1;
  for (int heads = 1; heads <= dim; ++heads) {
    const auto distance = [&](int count) { return std::abs(count - dim / kPublishedHeadWidth); };
    if (dim % heads == 0 && distance(heads) < distance(best)) best = heads;
  }
  return best;
}

std::vector<StageRange> even_stages(int depth) {
  const int count = std::min(kMostStages, depth);
  std::vector<StageRange> stages;
  for (int i = 0; i < count; ++i) stages.push_back({i * depth / count, (i + 1) * depth / count - 1});
  return stages;
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

}  // namespace dfa::train
