#include "eval/threshold_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "eval/curves.hpp"
#include "score/operating_point.hpp"

namespace dfa {
namespace {

constexpr std::string_view kBest = "best";
constexpr std::string_view kDefaultPoint = "fpr5";

// Halfway between the ROC vertex of the largest TPR - FPR and the next score below it; the first of equal ones.
std::optional<double> best_threshold(const ScoreTable& table, const EvaluationOptions& options) {
  const LevelScores videos = video_scores(table, {options.video, options.no_face, options.min_frames_per_video});
  const std::vector<RocPoint> roc = roc_curve(videos.p_fake, videos.labels, RocVertices::all);
  if (roc.empty()) return std::nullopt;
  std::size_t best = 0;
  for (std::size_t i = 1; i < roc.size(); ++i)
    if (roc[i].tpr - roc[i].fpr > roc[best].tpr - roc[best].fpr) best = i;
  if (best == 0) return 1.0;  // nothing is above: everything is called real
  const double below = best + 1 < roc.size() ? roc[best + 1].threshold : 0.0;
  return (roc[best].threshold + below) / 2;
}

void withhold(std::vector<MetricValue>& values, Metric metric, const std::string& reason) {
  const auto place = static_cast<std::size_t>(metric);
  if (place < values.size()) values[place] = {std::nullopt, reason, {}};
}

void withhold(Figures& figures, Metric metric, const std::string& reason) {
  withhold(figures.frame.values, metric, reason);
  withhold(figures.video.values, metric, reason);
}

}  // namespace

Result<ThresholdChoice> choose_threshold(std::string_view asked, const std::optional<Calibration>& calibration,
                                         const ScoreTable& table, const EvaluationOptions& options) {
  ThresholdChoice choice;
  if (asked == kBest) {
    choice.value = best_threshold(table, options);
    choice.origin = "highest balanced accuracy over the tested videos themselves: an upper bound";
    choice.breaches.push_back("the threshold was chosen on the test set (--threshold best)");
    if (!choice.value)
      return fail(ErrorCode::usage, "--threshold best: a class is missing, so there is nothing to choose by");
    return choice;
  }
  const auto has_default = [&] {
    return calibration && std::any_of(calibration->thresholds.begin(), calibration->thresholds.end(),
                                      [](const Threshold& threshold) { return threshold.name == kDefaultPoint; });
  };
  if (asked.empty() && !has_default()) {
    choice.origin =
        fmt::format("accuracies at {} (argmax); nobody chose another: no balanced accuracy", kDefaultThreshold);
    return choice;
  }
  const Result<OperatingPoint> chosen = choose_operating_point(asked, calibration);
  if (!chosen) return fail_within("--threshold", chosen.error());
  const OperatingPoint& point = *chosen;
  choice.value = point.threshold;
  choice.origin = point.calibrated_on ? fmt::format("{}: {} of the model's calibration on {}",
                                                    point.threshold.value_or(0), point.name, *point.calibrated_on)
                                      : fmt::format("{}: given with --threshold", point.threshold.value_or(0));
  return choice;
}

void withhold(Evaluation& evaluation, Metric metric, const std::string& reason) {
  withhold(evaluation.all, metric, reason);
  for (auto& [name, figures] : evaluation.methods) withhold(figures, metric, reason);
  for (auto& [name, figures] : evaluation.sets) withhold(figures, metric, reason);
  for (AverageFigures* average : {&evaluation.over_methods, &evaluation.over_sets}) {
    withhold(average->frame, metric, reason);
    withhold(average->video, metric, reason);
  }
}

}  // namespace dfa
