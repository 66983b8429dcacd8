#include "support/random_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/rng.hpp"

namespace dfa::test {
namespace {

int between(RngStream& rng, int low, int high) {
  return low + static_cast<int>(rng.below(static_cast<std::uint64_t>(high - low + 1)));
}

template <std::size_t N>
int one_of(RngStream& rng, const std::array<int, N>& values) {
  return values[rng.below(N)];
}

// Any divisor of `dim` up to 12.
int random_heads(RngStream& rng, int dim) {
  std::vector<int> divisors;
  for (int heads = 1; heads <= std::min(12, dim); ++heads) {
    if (dim % heads == 0) divisors.push_back(heads);
  }
  return divisors[rng.below(divisors.size())];
}

std::vector<StageRange> random_stages(RngStream& rng, int depth) {
  const int count = between(rng, 1, std::min(4, depth));
  std::vector<int> first_blocks(static_cast<std::size_t>(depth - 1));
  for (int i = 1; i < depth; ++i) first_blocks[static_cast<std::size_t>(i - 1)] = i;
  rng.shuffle(std::span(first_blocks));
  first_blocks.resize(static_cast<std::size_t>(count - 1));
  first_blocks.push_back(0);
  first_blocks.push_back(depth);
  std::ranges::sort(first_blocks);
  std::vector<StageRange> stages;
  for (std::size_t i = 0; i + 1 < first_blocks.size(); ++i)
    stages.push_back({first_blocks[i], first_blocks[i + 1] - 1});
  return stages;
}

// Two values of a head turn by one angle, half of the angles with the row.
constexpr int kTurnedTogether = 4;

// What tells one kind of trunk from another; from index 6 on each is in one configuration for certain.
void vary_trunk(RngStream& rng, int index, NetworkConfig& config) {
  const auto chosen = [&](double chance, int forced) { return rng.chance(chance) || index == forced; };
  if (chosen(0.3, 6)) config.activation = Activation::quick_gelu;
  if (chosen(0.2, 7)) config.activation = Activation::silu;
  config.gated_mlp = chosen(0.25, 7);
  config.pre_norm = chosen(0.25, 8);
  config.patch_bias = !chosen(0.25, 8);
  config.distilled = chosen(0.25, 9);
  if (chosen(0.25, 10)) config.registers = between(rng, 1, 5);
  config.layer_scale = chosen(0.25, 11);
  const bool rotary = chosen(0.25, 12);
  if (rotary && config.head_dim() % kTurnedTogether != 0 && index == 12) {
    config.dim = 2 * kTurnedTogether * config.heads;
    config.lsa_heads = config.heads;
  }
  if (rotary && config.head_dim() % kTurnedTogether == 0) {
    config.positions = Positions::rotary;
    config.rotary_base = rng.chance(0.5) ? 100 : 1e4;
  }
  if (chosen(0.3, 13)) config.spatial_source = SpatialSource::patch;
  if (chosen(0.25, 13)) config.head = HeadKind::linear;
}

}  // namespace

NetworkConfig random_config(std::uint64_t seed, int index) {
  RngStream rng = RngStream(seed, "network_config").child(static_cast<std::uint64_t>(index));
  NetworkConfig config;
  config.patch = one_of<2>(rng, {8, 16});
  config.image = config.patch * between(rng, 2, 112 / config.patch);
  config.heads = between(rng, 1, 6);
  config.dim = config.heads * one_of<6>(rng, {4, 7, 8, 12, 16, 32});
  config.depth = between(rng, 1, 6);
  config.mlp = between(rng, 1, 4) * config.dim + between(rng, 0, 3);
  config.norm_eps = rng.chance(0.25) ? 1e-5 : 1e-6;
  config.lsa_heads = random_heads(rng, config.dim);
  config.bottleneck = between(rng, 1, 24);
  config.spm_width = one_of<6>(rng, {4, 6, 8, 16, 24, 32});
  config.stages = random_stages(rng, config.depth);
  config.classes = rng.chance(0.2) ? 3 : 2;
  config.gba = rng.chance(0.75);
  config.lsa = rng.chance(0.75);
  config.readout = static_cast<Readout>(rng.below(3));
  if (index < 3) {
    config.gba = config.lsa = true;
    config.readout = static_cast<Readout>(index);
  }
  if (!config.lsa) config.readout = Readout::cls;
  // Drawn last, so that the sizes above stay what they were.
  if (rng.chance(0.4) || index == 3) {
    config.readout = Readout::query;
    config.queries = between(rng, 1, 6);
  }
  if (rng.chance(0.3) || index == 4) config.readout_norm = ReadoutNorm::own;
  if (rng.chance(0.3) || index == 5) config.head = HeadKind::l2_linear;
  vary_trunk(rng, index, config);
  return config;
}

std::string describe(const NetworkConfig& config) {
  std::string stages;
  for (const StageRange stage : config.stages) stages += fmt::format("[{},{}]", stage.first, stage.last);
  return fmt::format(
      "image {} patch {} dim {} depth {} heads {} mlp {} eps {} gba {} bottleneck {} lsa {} lsa_heads {} spm_width {} "
      "stages {} "
      "readout {} queries {} own norm {} head {} classes {} activation {} gated {} pre_norm {} patch_bias {} "
      "distilled {} registers {} layer_scale {} rotary {} spatial picture {}",
      config.image, config.patch, config.dim, config.depth, config.heads, config.mlp, config.norm_eps, config.gba,
      config.bottleneck, config.lsa, config.lsa_heads, config.spm_width, stages, static_cast<int>(config.readout),
      config.queries, config.readout_norm == ReadoutNorm::own, static_cast<int>(config.head), config.classes,
      static_cast<int>(config.activation), config.gated_mlp, config.pre_norm, config.patch_bias, config.distilled,
      config.registers, config.layer_scale, config.positions == Positions::rotary, config.spatial_image());
}

}  // namespace dfa::test
