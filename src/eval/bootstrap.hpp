// Resamples of videos, and intervals from them. Internal to eval.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/cells.hpp"
#include "eval/interval.hpp"

namespace dfa {

// Items that are resampled by group (video), each group of one class.
struct GroupedItems {
  std::span<const double> p_fake;
  std::span<const int> labels;
  std::span<const std::uint32_t> groups;  // any numbers; groups are drawn in order of first sight
  // Names of the two random streams (reals, fakes). Equal names, seeds and numbers of groups give equal draws, so that
  // figures on the same videos move together.
  std::array<std::string, 2> streams = {"reals", "fakes"};
};

// What the metrics are on the sample, on each resample, and with a part of each class's videos left out.
struct Replicates {
  MetricArray point;                                 // exact
  MetricArray cell_point;                            // on the cells that the resamples see
  std::vector<MetricArray> rounds;                   // one a resample
  std::array<std::vector<MetricArray>, 2> left_out;  // by class: delete-a-group jackknife, at most kJackknifeParts
  std::array<std::size_t, 2> groups{};               // by class
};

// Parts a class's videos are dealt into for the acceleration of BCa; a class of no more videos gets one a video.
inline constexpr std::size_t kJackknifeParts = 100;

// Within each class as many groups are drawn, with replacement, as it has. Rounds are spread over threads; the result
// does not depend on how many. O(items x rounds / 32 x 32 bytes + cells x rounds).
Replicates bootstrap(const GroupedItems& items, double threshold, const BootstrapOptions& options,
                     std::size_t most_cells = kMostExactCells);

// 95 % interval of one figure. `rounds` may hold NaN (undefined on that resample): they are left out. `left_out`: by
// class, empty for no acceleration. `reference`: the figure by the same arithmetic as the rounds; `value`: the one to
// print.
Interval interval_from(double value, double reference, std::vector<double> rounds,
                       const std::array<std::vector<double>, 2>& left_out, IntervalMethod method);

}  // namespace dfa
