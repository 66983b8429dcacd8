#include "eval/calibrate_figures.hpp"

#include <algorithm>
#include <cmath>

#include "eval/curves.hpp"
#include "eval/metric.hpp"

namespace dfa {
namespace {

constexpr Metric kMetrics[] = {Metric::nll,      Metric::brier, Metric::ece_width,
                               Metric::ece_mass, Metric::cllr,  Metric::aurc};

void add_level(const std::string& level, const ItemScores& before, const ItemScores& after, Calibration& calibration) {
  for (const Metric metric : kMetrics) {
    const MetricPoint first = measure(metric, before.p_fake, before.labels);
    const MetricPoint second = measure(metric, after.p_fake, after.labels);
    if (first.value && second.value && std::isfinite(*first.value) && std::isfinite(*second.value))
      calibration.figures.push_back({level, std::string(metric_info(metric).name), *first.value, *second.value});
  }
}

std::vector<ReliabilityPoint> reliability(const ItemScores& scores) {
  std::vector<ReliabilityPoint> points;
  for (const ReliabilityBin& bin : reliability_curve(scores.p_fake, scores.labels, BinRule::width))
    points.push_back({std::min(bin.mean_p, 1.0), std::min(bin.share_fakes, 1.0), std::lround(bin.count)});
  return points;
}

}  // namespace

void add_figures(const CalibrationSample& sample, Calibration& calibration) {
  const ItemScores crops_before = {crop_scores(sample, 1), sample.labels};
  const ItemScores crops_after = {crop_scores(sample, calibration.temperature), sample.labels};
  const ItemScores items_after = item_scores(sample, calibration.temperature);
  add_level("frame", crops_before, crops_after, calibration);
  add_level("video", item_scores(sample, 1), items_after, calibration);
  calibration.frame_reliability = reliability(crops_after);
  calibration.video_reliability = reliability(items_after);
}

}  // namespace dfa
