// Curves of an evaluation as plain points, for plots. `labels`: 1 = fake, 0 = real; as many as scores.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eval/metric.hpp"

namespace dfa {

struct RocPoint {
  double fpr = 0;
  double tpr = 0;
  double threshold = 0;  // items with p_fake >= threshold are called fake; +infinity at the first point (0, 0)
};
// Which vertices: all distinct scores, or without those inside a run of equal steps, as scikit-learn drops them.
enum class RocVertices { all, corners };
// From (0, 0) to (1, 1), scores falling. Empty when a class is missing.
std::vector<RocPoint> roc_curve(std::span<const double> p_fake, std::span<const int> labels,
                                RocVertices vertices = RocVertices::corners);

enum class BinRule { width, mass };
struct ReliabilityBin {
  double low = 0;  // smallest and largest p_fake a bin may hold (width) or holds (mass)
  double high = 0;
  double mean_p = 0;
  double share_fakes = 0;
  double count = 0;  // of items; equal scores at the border of two mass bins are shared out, so it need not be whole
};
// Bins that hold something, from low to high p. Width bins are (i/n, (i+1)/n], the first with 0.
std::vector<ReliabilityBin> reliability_curve(std::span<const double> p_fake, std::span<const int> labels, BinRule rule,
                                              std::size_t bins = kCalibrationBins);

struct RiskPoint {
  double coverage = 0;  // share of items kept, the most confident first
  double risk = 0;      // error rate among them (p > 0.5 called fake)
};
// One point a distinct confidence abs(p - 0.5), coverage rising to 1.
std::vector<RiskPoint> risk_coverage_curve(std::span<const double> p_fake, std::span<const int> labels);

struct HistogramBin {
  double low = 0;
  double high = 0;
  std::size_t count = 0;
};
// Equal-width bins over [0, 1], (i/n, (i+1)/n], the first with 0; all bins, the empty ones too.
std::vector<HistogramBin> histogram(std::span<const double> p_fake, std::size_t bins);

}  // namespace dfa
