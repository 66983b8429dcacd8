#include "train/nets/backbone.hpp"

#include <algorithm>
#include <cmath>

namespace dfa::train {
namespace {

constexpr int kPublishedHeads = 6;
constexpr double kPublishedHeadWidth = 128;
constexpr int kMostStages = 3;

}  // namespace

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

}  // namespace dfa::train
