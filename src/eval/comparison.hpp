// Two detectors on the same inputs: paired differences over what both scored.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "eval/evaluation.hpp"

namespace dfa {

struct MetricDifference {
  std::optional<double> first, second;  // point values on the common inputs
  std::optional<Interval> difference;   // first - second
  std::optional<double> p;              // two-sided, of the hypothesis "no difference", by the paired bootstrap
  std::string undefined;                // why there is no difference
};

struct LevelComparison {
  std::size_t reals = 0, fakes = 0;       // items that both scored
  std::vector<MetricDifference> metrics;  // by Metric; those not asked for say so
  std::optional<double> delong_p;         // AUC, DeLong et al. 1988; video level only: frames are not independent
  const MetricDifference& of(Metric metric) const { return metrics[static_cast<std::size_t>(metric)]; }
};

// Labelled inputs that one of the tables has, or has scored, and the other has not.
struct LeftOut {
  std::size_t only_first = 0, only_second = 0;  // scored there, not in the other table at all
  std::size_t unscored_in_first = 0, unscored_in_second = 0, unscored_in_both = 0;
};

struct Comparison {
  LevelComparison frame, video;
  LeftOut left_out_crops, left_out_videos;
  EvaluationOptions options;
};

// Rows are matched by set and path, videos by set and key; a video's number is made of the rows that both scored.
// Errors: manifest_invalid when an input has different labels in the two tables, or a path comes twice in one.
Result<Comparison> compare_scores(const ScoreTable& first, const ScoreTable& second, const EvaluationOptions& options);

}  // namespace dfa
