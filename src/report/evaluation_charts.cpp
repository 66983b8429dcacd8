#include "report/evaluation_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "eval/curves.hpp"
#include "report/evaluation_page.hpp"

namespace dfa {

namespace {

constexpr std::size_t kHistogramBins = 20;
// The log axis begins below one false positive, but not lower than any set can resolve.
constexpr double kLeastFpr = 1e-6, kMostLowFpr = 0.01;

std::vector<PlotPoint> roc_points(const LevelScores& level) {
  std::vector<PlotPoint> points;
  for (const RocPoint& point : roc_curve(level.p_fake, level.labels)) points.push_back({point.fpr, point.tpr});
  return points;
}

std::size_t reals_of(const LevelScores& level) {
  return static_cast<std::size_t>(std::count(level.labels.begin(), level.labels.end(), 0));
}

// The power of ten below one false positive of the largest set.
double low_fpr(const std::vector<NamedScores>& curves) {
  std::size_t reals = 1;
  for (const NamedScores& curve : curves) reals = std::max(reals, reals_of(*curve.scores));
  return std::clamp(std::pow(10, std::floor(-std::log10(static_cast<double>(reals)))), kLeastFpr, kMostLowFpr);
}

AxisOptions share_axis(std::string name) {
  return {.name = std::move(name), .low = 0.0, .high = 1.0};
}

ChartSeries reliability_series(std::string name, const LevelScores& level, BinRule rule) {
  ChartSeries series{std::move(name), {}};
  for (const ReliabilityBin& bin : reliability_curve(level.p_fake, level.labels, rule))
    series.points.push_back({bin.mean_p, bin.share_fakes, {}, {}, fmt::format("{:.6g} items", bin.count)});
  return series;
}

ChartSeries count_series(std::string name, const LevelScores& level) {
  ChartSeries series{std::move(name), {}, Shape::area};
  const std::vector<HistogramBin> bins = histogram(level.p_fake, kCalibrationBins);
  for (const HistogramBin& bin : bins) series.points.push_back({bin.low, static_cast<double>(bin.count)});
  if (!bins.empty()) series.points.push_back({1, static_cast<double>(bins.back().count)});
  return series;
}

// The share of items in each bin.
ChartSeries share_series(std::string name, const std::vector<double>& p_fake) {
  ChartSeries series{std::move(name), {}, Shape::area};
  const std::vector<HistogramBin> bins = histogram(p_fake, kHistogramBins);
  const auto share = [&](const HistogramBin& bin) {
    return static_cast<double>(bin.count) / static_cast<double>(p_fake.size());
  };
  for (const HistogramBin& bin : bins)
    series.points.push_back({bin.low, share(bin), {}, {}, fmt::format("{} items", bin.count)});
  if (!bins.empty()) series.points.push_back({1, share(bins.back())});
  return series;
}

ChartSeries risk_series(std::string name, const LevelScores& level) {
  std::vector<PlotPoint> points;
  for (const RiskPoint& point : risk_coverage_curve(level.p_fake, level.labels))
    points.push_back({point.coverage, point.risk});
  return {std::move(name), thinned_curve(points, Scale::linear, 0, 1)};
}

std::vector<Chart> with_series(std::vector<Chart> charts) {
  const auto is_empty = [](const Chart& chart) {
    return std::all_of(chart.series.begin(), chart.series.end(), [](const ChartSeries& s) { return s.points.empty(); });
  };
  charts.erase(std::remove_if(charts.begin(), charts.end(), is_empty), charts.end());
  return charts;
}

}  // namespace

PlottedScores plotted_scores(const ScoreTable& scores, const EvaluationOptions& options) {
  const LevelOptions level{options.video, options.no_face, options.min_frames_per_video};
  return {frame_scores(scores, level), video_scores(scores, level)};
}

std::vector<ChartPoint> thinned_curve(const std::vector<PlotPoint>& curve, Scale scale, double low, double high) {
  constexpr double kColumns = kPlotColumns;
  std::vector<PlotPoint> placed;
  placed.reserve(curve.size());
  for (const PlotPoint& point : curve) {
    const double x = std::clamp(point.x, low, high);
    const double share = scale == Scale::log ? std::log(x / low) / std::log(high / low) : (x - low) / (high - low);
    placed.push_back({share * kColumns, point.y});
  }
  std::vector<ChartPoint> points;
  for (const PlotPoint& point : thin_points(placed, 1)) {
    const double share = point.x / kColumns;
    points.push_back({scale == Scale::log ? low * std::pow(high / low, share) : low + share * (high - low), point.y});
  }
  return points;
}

std::vector<Chart> roc_charts(const std::vector<NamedScores>& curves) {
  const double low = low_fpr(curves);
  std::vector<Chart> charts(2);
  charts[0] = {.title = "ROC",
               .caption = "The dotted line is chance.",
               .x = share_axis("false positive rate"),
               .y = share_axis("true positive rate"),
               .series = {},
               .guide = Guide::diagonal};
  charts[1] = {.title = "ROC, few false positives",
               .caption = "Logarithmic; points without a false positive lie on the left edge.",
               .x = {.name = "false positive rate", .scale = Scale::log, .low = low, .high = 1.0},
               .y = share_axis("true positive rate"),
               .series = {},
               .guide = Guide::diagonal};
  for (const NamedScores& curve : curves) {
    const std::vector<PlotPoint> points = roc_points(*curve.scores);
    charts[0].series.push_back({curve.name, thinned_curve(points, Scale::linear, 0, 1)});
    charts[1].series.push_back({curve.name, thinned_curve(points, Scale::log, low, 1)});
  }
  return with_series(std::move(charts));
}

std::vector<Chart> roc_charts(const PlottedScores& scores) {
  return roc_charts({{"frame", &scores.frame}, {"video", &scores.video}});
}

std::vector<Chart> reliability_charts(const PlottedScores& scores) {
  std::vector<Chart> charts;
  for (const auto& [name, level] : {std::pair{"frames", &scores.frame}, std::pair{"videos", &scores.video}})
    charts.push_back({.title = fmt::format("Reliability, {}", name),
                      .caption = fmt::format("Share of fakes among those given about p_fake; on the dotted line p_fake "
                                             "is what it says. {} bins of equal width, or of equal count.",
                                             kCalibrationBins),
                      .x = share_axis("mean p_fake of the bin"),
                      .y = share_axis("share of fakes"),
                      .series = {reliability_series("equal width", *level, BinRule::width),
                                 reliability_series("equal count", *level, BinRule::mass)},
                      .guide = Guide::diagonal});
  charts.push_back({.title = "Items in the bins of equal width",
                    .caption = "Where few items lie, the reliability curve says little.",
                    .x = share_axis("p_fake"),
                    .y = {.name = "items", .low = 0.0, .least_tick = 1},
                    .series = {count_series("frames", scores.frame), count_series("videos", scores.video)}});
  return with_series(std::move(charts));
}

std::vector<Chart> histogram_charts(const ScoreTable& scores, const LevelScores& frames) {
  std::vector<double> reals;
  std::map<std::string_view, std::vector<double>> fakes;
  for (std::size_t i = 0; i < frames.p_fake.size(); ++i) {
    if (frames.labels[i] == 0)
      reals.push_back(frames.p_fake[i]);
    else
      fakes[scores.method_name(scores.methods()[frames.rows[i]])].push_back(frames.p_fake[i]);
  }
  if (fakes.empty()) fakes[""];
  std::vector<Chart> charts;
  for (const auto& [method, values] : fakes) {
    if (charts.size() == kMostHistograms) break;
    const std::string name = method.empty() ? "fakes" : std::string(method);
    charts.push_back({.title = fmt::format("Scores: {}", name),
                      .caption = fmt::format("{} crops of reals, {} of fakes", reals.size(), values.size()),
                      .x = share_axis("p_fake"),
                      .y = {.name = "share of the class", .low = 0.0},
                      .series = {share_series("reals", reals), share_series(name, values)}});
  }
  return with_series(std::move(charts));
}

std::vector<Chart> risk_charts(const PlottedScores& scores) {
  return with_series({{.title = "Risk and coverage",
                       .caption = "Error rate at p_fake 0.5 among the most confident share of the items.",
                       .x = share_axis("share kept, the most confident first"),
                       .y = {.name = "error rate", .low = 0.0},
                       .series = {risk_series("frame", scores.frame), risk_series("video", scores.video)}}});
}

}  // namespace dfa
