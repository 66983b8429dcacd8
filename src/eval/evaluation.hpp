// From scores to figures with intervals. Only scored items with a label enter; how many did not is part of the result.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "eval/auc.hpp"
#include "eval/level_scores.hpp"
#include "eval/metric.hpp"
#include "eval/score_table.hpp"

namespace dfa {

inline constexpr std::size_t kOutcomeCount = 5;

// Inputs by class and by what became of them.
struct OutcomeCounts {
  std::array<std::size_t, kOutcomeCount> reals{}, fakes{}, unlabelled{};  // by Outcome

  std::size_t of(const std::array<std::size_t, kOutcomeCount>& counts, Outcome outcome) const {
    return counts[static_cast<std::size_t>(outcome)];
  }
  std::array<std::size_t, kOutcomeCount>& by_label(int label);  // -1 = unlabelled
  std::size_t scored() const;                                   // labelled or not
  std::size_t unscored() const;                                 // labelled or not
  std::size_t inputs() const { return scored() + unscored(); }
};

struct Coverage {
  OutcomeCounts crops;
  // A video is scored when enough of its crops are; else it has the best of its crops' outcomes in the order
  // low_quality, no_face, decode_error, abstained, and abstained when it has scored crops, but too few.
  OutcomeCounts videos;
  bool known = true;  // false where the source dropped inputs without a trace (crops of DeepfakeBench)

  double share() const;        // of videos with a score; 0 for no input
  double share_crops() const;  // of crops
};

// Of the rows for which `keep(row)` holds; all, when empty.
Coverage coverage_of(const ScoreTable& table, std::size_t min_frames_per_video = 1,
                     const std::function<bool(std::size_t)>& keep = {});

struct LevelFigures {
  std::size_t reals = 0, fakes = 0;  // items
  std::vector<MetricValue> values;   // by Metric; those not asked for say so
  const MetricValue& of(Metric metric) const { return values[static_cast<std::size_t>(metric)]; }
};

// One group of fakes against reals.
struct Figures {
  LevelFigures frame;  // every crop is an item
  LevelFigures video;  // every video; a still picture is a video of its own
  Coverage coverage;
};

// The mean of the groups' figures, each metric by itself. Undefined when any group's is, or when there is no group.
struct AverageFigures {
  std::size_t groups = 0;
  std::vector<MetricValue> frame, video;  // by Metric
};

enum class DroppedInputs { counted, unknown };

struct EvaluationOptions {
  BootstrapOptions bootstrap;
  std::vector<Metric> metrics;  // empty = all
  Aggregation video = Aggregation::mean;
  NoFaceRule no_face = NoFaceRule::leave_out;
  double threshold = kDefaultThreshold;  // of the accuracies: p > threshold is called fake
  std::size_t min_frames_per_video = 1;
  DroppedInputs dropped = DroppedInputs::counted;
};

// Errors (usage): no round, or a threshold outside [0, 1].
Status check_options(const EvaluationOptions& options);

struct Evaluation {
  Figures all;
  std::map<std::string, Figures> methods;  // fakes of each named method against all reals of the sets that hold it
  std::map<std::string, Figures> sets;     // each named set by itself
  AverageFigures over_methods, over_sets;
  EvaluationOptions options;
};

// Intervals: bootstrap over videos, drawn with replacement within each class. Errors: usage for options that make
// no sense (rounds, threshold).
Result<Evaluation> evaluate_scores(const ScoreTable& table, const EvaluationOptions& options);

}  // namespace dfa
