#include "eval/calibrate_isotonic.hpp"

#include <algorithm>
#include <numeric>

namespace dfa {
namespace {

void merge(IsotonicBlock& block, const IsotonicBlock& next) {
  block.highest = next.highest;
  block.fakes += next.fakes;
  block.items += next.items;
}

bool rises(const IsotonicBlock& block, const IsotonicBlock& next) {
  return block.fakes * next.items < next.fakes * block.items;
}

}  // namespace

std::vector<IsotonicBlock> fit_isotonic(std::span<const double> scores, std::span<const int> labels) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  std::vector<IsotonicBlock> blocks;
  for (std::size_t place = 0; place < order.size();) {
    IsotonicBlock ties = {scores[order[place]], scores[order[place]], 0, 0};
    for (; place < order.size() && scores[order[place]] == ties.highest; ++place) {
      ties.fakes += labels[order[place]] == 1 ? 1 : 0;
      ++ties.items;
    }
    blocks.push_back(ties);
    while (blocks.size() > 1 && !rises(blocks[blocks.size() - 2], blocks.back())) {
      merge(blocks[blocks.size() - 2], blocks.back());
      blocks.pop_back();
    }
  }
  return blocks;
}

std::vector<EvidencePoint> isotonic_points(std::span<const IsotonicBlock> blocks) {
  std::vector<EvidencePoint> points;
  for (const IsotonicBlock& block : blocks) {
    points.push_back({block.lowest, block.value()});
    if (block.highest > block.lowest) points.push_back({block.highest, block.value()});
  }
  return points;
}

}  // namespace dfa
