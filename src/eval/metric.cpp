#include "eval/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/nearest_name.hpp"
#include "eval/cells.hpp"
#include "eval/undefined.hpp"

namespace dfa {
namespace {

using enum Metric;
using enum Direction;

constexpr std::array<MetricInfo, kMetricCount> kRegistry = {{
    {auc, "auc", "AUC", "share of (fake, real) pairs in which the fake has the higher p_fake, ties 1/2",
     higher_is_better},
    {eer, "eer", "EER", "FPR where FPR = FNR on the linearly interpolated ROC", lower_is_better},
    {eer_nearest, "eer_nearest", "EER (nearest)",
     "FPR of the ROC vertex with the smallest abs(FNR - FPR), the first from (0, 0) on ties; vertices inside runs of "
     "equal steps dropped as scikit-learn does by default",
     lower_is_better},
    {ap, "ap", "AP", "sum over distinct thresholds, falling, of (R_k - R_{k-1}) P_k, no interpolation",
     higher_is_better},
    {accuracy, "accuracy", "ACC", "share of items on the right side of the threshold; fake is p_fake > threshold",
     higher_is_better},
    {balanced_accuracy, "balanced_accuracy", "balanced ACC", "mean of accuracy_real and accuracy_fake",
     higher_is_better},
    {accuracy_real, "accuracy_real", "ACC reals", "share of reals with p_fake <= threshold", higher_is_better},
    {accuracy_fake, "accuracy_fake", "ACC fakes", "share of fakes with p_fake > threshold", higher_is_better},
    {tpr_at_fpr1, "tpr_at_fpr1", "TPR at FPR 1 %",
     "largest TPR whose FPR is at most 0.01, no interpolation, threshold from the same data", higher_is_better},
    {tpr_at_fpr5, "tpr_at_fpr5", "TPR at FPR 5 %",
     "largest TPR whose FPR is at most 0.05, no interpolation, threshold from the same data", higher_is_better},
    {fpr_at_tpr95, "fpr_at_tpr95", "FPR at TPR 95 %",
     "smallest FPR whose TPR is at least 0.95, no interpolation, threshold from the same data", lower_is_better},
    {nll, "nll", "NLL", "mean of -ln p(true class), probabilities clamped at 1e-12", lower_is_better},
    {brier, "brier", "Brier", "mean of (p_fake - y)^2", lower_is_better},
    {ece_width, "ece_width", "ECE (width)",
     "sum over 15 equal-width bins (i/15, (i+1)/15] of n_b/N abs(mean p_fake - share of fakes)", lower_is_better},
    {ece_mass, "ece_mass", "ECE (mass)",
     "the same over 15 bins of N/15 items each; equal scores at a border are shared out, labels in proportion",
     lower_is_better},
    {aurc, "aurc", "AURC",
     "mean over k of the error rate of the k items with the largest abs(p_fake - 0.5), fake is p_fake > 0.5, ties "
     "averaged over their orders",
     lower_is_better},
    {error_correlation, "error_correlation", "error correlation",
     "Pearson correlation of -abs(p_fake - 0.5) with the error (0 or 1), fake is p_fake > 0.5", higher_is_better},
    {cllr, "cllr", "Cllr",
     "1/2 (mean over fakes of -log2 p_fake + mean over reals of -log2 (1 - p_fake)): p_fake read as the posterior at "
     "even odds, clamped at 1e-12; 1 = says nothing",
     lower_is_better},
}};

}  // namespace

std::span<const MetricInfo> metric_registry() {
  return kRegistry;
}

const MetricInfo& metric_info(Metric metric) {
  return kRegistry[static_cast<std::size_t>(metric)];
}

Result<Metric> metric_by_name(std::string_view name) {
  std::array<std::string_view, kMetricCount> names;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    if (kRegistry[i].name == name) return kRegistry[i].id;
    names[i] = kRegistry[i].name;
  }
  return fail(ErrorCode::usage, "metric \"{}\" is not known, did you mean \"{}\"?", name, nearest_name(name, names));
}

std::string why_undefined(Metric metric, std::size_t reals, std::size_t fakes) {
  if (reals + fakes == 0) return "no labelled, scored item";
  if (metric == error_correlation) return "all items have the same confidence, or none or all of them are errors";
  if (reals == 0) return "a class is missing: no real was scored";
  if (fakes == 0) return "a class is missing: no fake was scored";
  return "not defined on these scores";
}

std::vector<MetricPoint> measure_all(std::span<const double> p_fake, std::span<const int> labels, double threshold) {
  const std::vector<std::uint32_t> order = falling_order(p_fake);
  const CelledSample sample = make_cells(p_fake, labels, order, threshold, 0);
  const auto counts = count_by_class(sample, labels, order);
  const MetricArray values = measure_cells(sample.cells, counts[0], counts[1]);
  const auto all_fakes = static_cast<std::size_t>(std::count(labels.begin(), labels.end(), 1));
  std::vector<MetricPoint> points(kMetricCount);
  for (std::size_t m = 0; m < kMetricCount; ++m)
    if (std::isnan(values[m]))
      points[m].undefined = why_undefined(static_cast<Metric>(m), labels.size() - all_fakes, all_fakes);
    else
      points[m].value = values[m];
  return points;
}

MetricPoint measure(Metric metric, std::span<const double> p_fake, std::span<const int> labels, double threshold) {
  return measure_all(p_fake, labels, threshold)[static_cast<std::size_t>(metric)];
}

}  // namespace dfa
