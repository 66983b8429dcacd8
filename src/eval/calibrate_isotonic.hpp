// The rising map from score to share of fakes that fits a set best: pool adjacent violators.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/calibration.hpp"

namespace dfa {

// Items of neighbouring scores that share one value.
struct IsotonicBlock {
  double lowest = 0;  // score
  double highest = 0;
  std::size_t fakes = 0;
  std::size_t items = 0;
  double value() const { return static_cast<double>(fakes) / static_cast<double>(items); }
};

// Least squares, and least NLL, among maps that never fall. Equal scores are one block from the start, so that the
// order of the input does not matter; neighbours of equal value are one block in the end, so values rise strictly.
// labels: 1 = fake, 0 = real. O(n log n), exact: counts are whole numbers.
std::vector<IsotonicBlock> fit_isotonic(std::span<const double> scores, std::span<const int> labels);

// The map as points: both ends of each block at its value. In between it is linear, beyond the ends constant.
std::vector<EvidencePoint> isotonic_points(std::span<const IsotonicBlock> blocks);

}  // namespace dfa
