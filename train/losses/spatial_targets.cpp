#include "train/losses/spatial_targets.hpp"

#include <algorithm>

#include "train/losses/loss_heads.hpp"

namespace dfa::train {

namespace {

// (to, from): how much of each source cell lies in a target cell, as a share of the target cell.
std::vector<double> overlap(int from, int to) {
  std::vector<double> shares(static_cast<std::size_t>(to) * static_cast<std::size_t>(from));
  const double width = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i)
    for (int j = 0; j < from; ++j) {
      const double inside = std::min((i + 1) * width, j + 1.0) - std::max(i * width, static_cast<double>(j));
      shares[static_cast<std::size_t>(i * from + j)] = std::max(inside, 0.0) / width;
    }
  return shares;
}

}  // namespace

std::vector<double> area_pool(std::span<const float> map, int from, int to) {
  if (from == to) return {map.begin(), map.end()};
  const std::vector<double> shares = overlap(from, to);
  const auto at = [](int row, int column, int columns) { return static_cast<std::size_t>(row * columns + column); };
  std::vector<double> rows(static_cast<std::size_t>(to) * static_cast<std::size_t>(from));  // (to, from)
  for (int i = 0; i < to; ++i)
    for (int k = 0; k < from; ++k)
      for (int x = 0; x < from; ++x) rows[at(i, x, from)] += shares[at(i, k, from)] * map[at(k, x, from)];
  std::vector<double> pooled(static_cast<std::size_t>(to) * static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i)
    for (int j = 0; j < to; ++j)
      for (int k = 0; k < from; ++k) pooled[at(i, j, to)] += shares[at(j, k, from)] * rows[at(i, k, from)];
  return pooled;
}

Result<SpatialTargets> spatial_targets(const NetworkConfig& network, std::span<const float> masks,
                                       std::span<const std::uint8_t> known, std::size_t samples) {
  const int side = network.spatial_side(0);
  const std::size_t cells = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (known.size() != samples || masks.size() != samples * cells)
    return fail(
        ErrorCode::usage,
        "got {} mask values and {} marks of known masks for {} samples, expected {} and {}\n  likely cause: the "
        "loss asks for masks, and the loader was not told to bring them",
        masks.size(), known.size(), samples, samples * cells, samples);
  SpatialTargets targets;
  targets.shares.resize(kSpatialLevels);
  for (std::size_t n = 0; n < samples; ++n) {
    if (known[n] == 0) continue;
    const std::span<const float> mask = masks.subspan(n * cells, cells);
    for (const float share : mask)
      if (!(share >= 0 && share <= 1))
        return fail(ErrorCode::usage, "the mask of sample {} holds {}, expected shares from 0 to 1", n, share);
    targets.samples.push_back(static_cast<std::int64_t>(n));
    for (int level = 0; level < kSpatialLevels; ++level) {
      const std::vector<double> pooled = area_pool(mask, side, network.spatial_side(level));
      std::vector<double>& to = targets.shares[static_cast<std::size_t>(level)];
      to.insert(to.end(), pooled.begin(), pooled.end());
    }
  }
  return targets;
}

std::vector<double> boundary_of(std::span<const double> shares) {
  std::vector<double> boundary;
  boundary.reserve(shares.size());
  for (const double share : shares) boundary.push_back(4 * share * (1 - share));
  return boundary;
}

}  // namespace dfa::train
