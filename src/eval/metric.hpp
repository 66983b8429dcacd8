// The figures of an evaluation: their names, definitions and point values. p = p_fake, 1 = fake; N items.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eval/interval.hpp"

namespace dfa {

// In the order of the registry; metric_registry() has each one's exact definition.
enum class Metric {
  auc,
  eer,
  eer_nearest,
  ap,
  accuracy,
  balanced_accuracy,
  accuracy_real,
  accuracy_fake,
  tpr_at_fpr1,
  tpr_at_fpr5,
  fpr_at_tpr95,
  nll,
  brier,
  ece_width,
  ece_mass,
  aurc,
  error_correlation,
  cllr,
};
inline constexpr std::size_t kMetricCount = 18;
enum class Direction { higher_is_better, lower_is_better };

struct MetricInfo {
  Metric id;
  std::string_view name;        // key in JSON and CSV: the enum's word
  std::string_view title;       // for tables
  std::string_view definition;  // one sentence
  Direction direction;
};

std::span<const MetricInfo> metric_registry();  // kMetricCount entries, in the order of Metric
const MetricInfo& metric_info(Metric metric);
Result<Metric> metric_by_name(std::string_view name);  // error: usage, with the nearest name

// A figure with its interval, or the reason why there is none. Never NaN.
struct MetricValue {
  std::optional<Interval> interval;
  std::string undefined;  // why, when there is no interval; empty otherwise
  std::string caution;    // why the interval's ends say too little (one video in a class); empty otherwise
};

// A figure alone.
struct MetricPoint {
  std::optional<double> value;
  std::string undefined;  // why there is none
};

inline constexpr std::size_t kCalibrationBins = 15;
inline constexpr double kDefaultThreshold = 0.5;

// The point value of one metric. `labels`: 1 = fake, 0 = real. Requires as many labels as scores, each score from 0
// to 1. O(N log N).
MetricPoint measure(Metric metric, std::span<const double> p_fake, std::span<const int> labels,
                    double threshold = kDefaultThreshold);
// All of them, in the order of Metric, with one sort.
std::vector<MetricPoint> measure_all(std::span<const double> p_fake, std::span<const int> labels,
                                     double threshold = kDefaultThreshold);

}  // namespace dfa
