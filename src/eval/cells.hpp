// A sample of scores as cells of (nearly) equal score, on which every metric is one linear pass. The base of point
// values, intervals and comparisons.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/metric.hpp"

namespace dfa {

// Distinct scores up to which cells are exact: one a score. Beyond, the RESAMPLES of a bootstrap see the scores in
// about this many quantile cells (never the point values). A cell then holds at most 1/kMostExactCells of the reals and
// of the fakes, so a resample's AUC, EER and rates move by at most the largest share of a class in a cell of that
// resample, about 1/65536; see docs/evaluation.md.
inline constexpr std::size_t kMostExactCells = 65536;

// Cells in falling order of score.
struct Cells {
  std::vector<double> p;                         // the score; of a coarse cell the mean of its items
  std::vector<double> loss_real, loss_fake;      // -ln of the true class's probability, if items are real or fake
  std::vector<double> square_real, square_fake;  // (p - y)^2
  std::vector<std::uint8_t> width_bin;           // of kCalibrationBins equal-width bins
  std::vector<std::uint32_t> by_confidence;      // cells, abs(p - 0.5) falling
  std::vector<std::uint32_t>
      confidence_begins;            // first place in by_confidence of each run of equal confidence, and the end
  std::size_t above_threshold = 0;  // cells with p > threshold: the first ones
  std::size_t above_half = 0;       // cells with p > 0.5

  std::size_t size() const { return p.size(); }
};

struct CelledSample {
  Cells cells;
  std::vector<std::uint32_t> begins;  // first place in the order of each cell, and the end
  bool coarse = false;                // cells were joined
};

// Items in falling order of score, equal ones in theirs. Requires fewer than 2^32.
std::vector<std::uint32_t> falling_order(std::span<const double> p_fake);

// Requires as many labels as scores, and their falling_order(). `most_cells`: 0 = one cell a distinct score; else cells
// are joined when there would be more.
CelledSample make_cells(std::span<const double> p_fake, std::span<const int> labels,
                        std::span<const std::uint32_t> order, double threshold, std::size_t most_cells);

// Items of each class (reals, fakes) in each cell.
std::array<std::vector<std::uint32_t>, 2> count_by_class(const CelledSample& sample, std::span<const int> labels,
                                                         std::span<const std::uint32_t> order);

// By Metric; a quiet NaN where a metric is undefined on these counts. Internal to eval: callers see MetricPoint.
using MetricArray = std::array<double, kMetricCount>;

// All metrics when cell c holds reals[c] and fakes[c] items. O(cells).
MetricArray measure_cells(const Cells& cells, std::span<const std::uint32_t> reals,
                          std::span<const std::uint32_t> fakes);

}  // namespace dfa
