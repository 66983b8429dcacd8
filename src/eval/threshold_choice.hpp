// The threshold of the accuracies and where it comes from. Balanced accuracy is shown only at a threshold that the test
// set did not choose.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "model/model.hpp"

namespace dfa {

struct ThresholdChoice {
  std::optional<double> value;        // nothing: nobody chose one; the accuracies are then taken at 0.5 (argmax)
  std::string origin;                 // in words, for the card
  std::vector<std::string> breaches;  // of the walls: the test set chose it
};

// asked: a number from 0 to 1, "fpr1" or "fpr5" of the calibration, "best" = highest balanced accuracy over the videos
// of `table` itself, or empty = fpr5 of the calibration where there is one. Errors: usage; model_incompatible for a
// point that the model does not carry.
Result<ThresholdChoice> choose_threshold(std::string_view asked, const std::optional<Calibration>& calibration,
                                         const ScoreTable& table, const EvaluationOptions& options);

// Takes back a metric from all figures, with the reason.
void withhold(Evaluation& evaluation, Metric metric, const std::string& reason);

}  // namespace dfa
