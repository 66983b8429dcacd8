// What the spatial tokens are to predict: the forged share of each cell, on each of the three maps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa::train {

struct SpatialTargets {
  std::vector<std::int64_t> samples;        // (K) those of the batch whose mask is known, in order
  std::vector<std::vector<double>> shares;  // a level: (K, side, side), forged share 0..1
};

// Mean over the area of each of to x to equal cells of a from x from map; where `from` is no multiple of `to`, cells at
// the borders count with the share that lies inside. `map` is (from, from), row-major.
std::vector<double> area_pool(std::span<const float> map, int from, int to);

// masks: (N, M, M) with M = network.spatial_side(0); known: (N), 0 or 1. Errors: usage for sizes that do not fit
// `samples`, and for shares outside 0..1.
Result<SpatialTargets> spatial_targets(const NetworkConfig& network, std::span<const float> masks,
                                       std::span<const std::uint8_t> known, std::size_t samples);

// 4 M (1 - M): 1 where a cell is half forged, 0 inside and outside (spec method.md section 6).
std::vector<double> boundary_of(std::span<const double> shares);

}  // namespace dfa::train
