// Figures of several conditions (perturbations, compressions) on the same videos: means over conditions and differences
// between them, with intervals from a bootstrap that draws the same videos in all of them. Intervals of the conditions
// by themselves say nothing about a mean: their errors are nearly the same.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "eval/score_table.hpp"

namespace dfa {

struct Condition {
  std::string name;  // in the reasons of what is undefined
  const ScoreTable* table = nullptr;
};

// A sum of the conditions' figures: {1/2, 1/2} is a mean, {-1, 1} a difference. Undefined where the figure of a
// condition of weight other than 0 is.
struct Combination {
  std::vector<double> weights;  // one a condition
};

// By Metric.
struct JointFigure {
  std::vector<MetricValue> frame, video;
};

// What makes two videos of two tables the same. Must tell the videos of one table apart.
using VideoIdentity = std::function<std::string(const VideoEntry&)>;
// Set and key.
std::string video_identity(const VideoEntry& video);

// One result a combination. Each condition's figures are over what was scored there. Intervals: bootstrap over the
// videos that any condition scores, drawn with replacement within each class, the same ones in all conditions; a video
// that a condition does not score weighs nothing there. Equal seeds give equal results on any number of threads.
// Memory: 18 figures a condition and round. Errors: manifest_invalid (a video of two labels, two videos of one table
// that count as the same), usage (no condition, weights that do not fit, no rounds).
Result<std::vector<JointFigure>> joint_figures(std::span<const Condition> conditions,
                                               std::span<const Combination> combinations,
                                               const EvaluationOptions& options,
                                               const VideoIdentity& identity = video_identity);

}  // namespace dfa
