#include "eval/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "eval/bootstrap.hpp"
#include "eval/undefined.hpp"

namespace dfa {
namespace {

using Keep = std::function<bool(std::size_t)>;

// One level of one group, with the resamples that averages over groups need.
struct MeasuredLevel {
  LevelFigures figures;
  Replicates replicates;
};
struct MeasuredGroup {
  Figures figures;
  Replicates frame, video;
};

std::vector<double> column(const std::vector<MetricArray>& rows, std::size_t metric) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const MetricArray& row : rows) values.push_back(row[metric]);
  return values;
}

bool asked_for(const EvaluationOptions& options, std::size_t metric) {
  return options.metrics.empty() || std::find(options.metrics.begin(), options.metrics.end(),
                                              static_cast<Metric>(metric)) != options.metrics.end();
}

// Why an interval says too little; empty when it may be read as it stands.
std::string caution_of(const Replicates& replicates, const std::vector<double>& rounds, std::size_t reals,
                       std::size_t fakes) {
  if ((reals > 0 && replicates.groups[0] == 1) || (fakes > 0 && replicates.groups[1] == 1))
    return "a class has a single video: its spread is not in the interval";
  const auto undefined = std::count_if(rounds.begin(), rounds.end(), [](double value) { return std::isnan(value); });
  if (undefined > 0)
    return fmt::format("undefined in {} of {} resamples, which were left out", undefined, rounds.size());
  const auto [least, most] = std::minmax_element(rounds.begin(), rounds.end());
  if (!rounds.empty() && *least == *most) return "equal in all resamples: the interval is too narrow";
  return "";
}

MeasuredLevel measure_level(const LevelScores& scores, const EvaluationOptions& options,
                            const std::array<std::string, 2>& streams) {
  MeasuredLevel level;
  level.figures.fakes = static_cast<std::size_t>(std::count(scores.labels.begin(), scores.labels.end(), 1));
  level.figures.reals = scores.labels.size() - level.figures.fakes;
  level.replicates =
      bootstrap({scores.p_fake, scores.labels, scores.videos, streams}, options.threshold, options.bootstrap);
  const Replicates& replicates = level.replicates;
  level.figures.values.resize(kMetricCount);
  for (std::size_t m = 0; m < kMetricCount; ++m) {
    MetricValue& value = level.figures.values[m];
    if (!asked_for(options, m))
      value.undefined = "not asked for";
    else if (std::isnan(replicates.point[m]))
      value.undefined = why_undefined(static_cast<Metric>(m), level.figures.reals, level.figures.fakes);
    else {
      std::vector<double> rounds = column(replicates.rounds, m);
      value.caution = caution_of(replicates, rounds, level.figures.reals, level.figures.fakes);
      value.interval = interval_from(replicates.point[m], replicates.cell_point[m], std::move(rounds),
                                     {column(replicates.left_out[0], m), column(replicates.left_out[1], m)},
                                     options.bootstrap.method);
    }
  }
  return level;
}

MeasuredGroup measure_group(const ScoreTable& table, const EvaluationOptions& options, const Keep& keep,
                            const std::array<std::string, 2>& streams) {
  const LevelOptions level = {options.video, options.no_face, options.min_frames_per_video};
  MeasuredLevel frame = measure_level(frame_scores(table, level, keep), options, streams);
  MeasuredLevel video = measure_level(video_scores(table, level, keep), options, streams);
  MeasuredGroup group;
  group.figures.coverage = coverage_of(table, options.min_frames_per_video, keep);
  group.figures.coverage.known = options.dropped == DroppedInputs::counted;
  group.figures.frame = std::move(frame.figures);
  group.figures.video = std::move(video.figures);
  group.frame = std::move(frame.replicates);
  group.video = std::move(video.replicates);
  return group;
}

std::vector<MetricValue> averaged(const std::map<std::string, MeasuredGroup>& groups, const EvaluationOptions& options,
                                  LevelFigures Figures::*level, Replicates MeasuredGroup::*replicates) {
  std::vector<MetricValue> averages(kMetricCount);
  const auto count = static_cast<double>(groups.size());
  for (std::size_t m = 0; m < kMetricCount; ++m) {
    MetricValue& average = averages[m];
    if (groups.empty()) {
      average.undefined = "no group to average over";
      continue;
    }
    double value = 0, reference = 0;
    std::vector<double> rounds(static_cast<std::size_t>(options.bootstrap.rounds), 0.0);
    for (const auto& [name, group] : groups) {
      const MetricValue& one = (group.figures.*level).values[m];
      if (average.undefined.empty() && !one.interval) average.undefined = fmt::format("{}: {}", name, one.undefined);
      const Replicates& measured = group.*replicates;
      value += measured.point[m] / count;
      reference += measured.cell_point[m] / count;
      for (std::size_t round = 0; round < rounds.size(); ++round) rounds[round] += measured.rounds[round][m] / count;
    }
    if (average.undefined.empty())
      average.interval = interval_from(value, reference, std::move(rounds), {}, options.bootstrap.method);
  }
  return averages;
}

AverageFigures average_of(const std::map<std::string, MeasuredGroup>& groups, const EvaluationOptions& options) {
  return {groups.size(), averaged(groups, options, &Figures::frame, &MeasuredGroup::frame),
          averaged(groups, options, &Figures::video, &MeasuredGroup::video)};
}

std::map<std::string, Figures> figures_of(std::map<std::string, MeasuredGroup>&& groups) {
  std::map<std::string, Figures> figures;
  for (auto& [name, group] : groups) figures.emplace(name, std::move(group.figures));
  return figures;
}

// The fakes of each named method, with the reals of the sets that hold such fakes.
std::map<std::string, MeasuredGroup> measure_methods(const ScoreTable& table, const EvaluationOptions& options) {
  std::map<std::uint32_t, std::set<std::uint32_t>> sets_of;
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table.labels()[i] == 1 && !table.method_name(table.methods()[i]).empty())
      sets_of[table.methods()[i]].insert(table.sets()[i]);
  std::map<std::string, MeasuredGroup> groups;
  for (const auto& [method, sets] : sets_of) {
    const std::string name(table.method_name(method));
    std::string reals = "reals of";  // equal for methods that share their reals: those are then drawn alike
    for (const std::uint32_t set : sets) reals += fmt::format(" [{}]", table.set_name(set));
    const auto keep = [&, wanted = method, &held = sets](std::size_t i) {
      return table.labels()[i] == 1 ? table.methods()[i] == wanted : held.contains(table.sets()[i]);
    };
    groups.emplace(name, measure_group(table, options, keep, {reals, "fakes by " + name}));
  }
  return groups;
}

std::map<std::string, MeasuredGroup> measure_sets(const ScoreTable& table, const EvaluationOptions& options) {
  std::map<std::string, MeasuredGroup> groups;
  for (std::uint32_t set = 0; set < table.set_count(); ++set) {
    const std::string name(table.set_name(set));
    if (name.empty()) continue;
    groups.emplace(name, measure_group(table, options, [&](std::size_t i) { return table.sets()[i] == set; },
                                       {fmt::format("reals of [{}]", name), fmt::format("fakes of [{}]", name)}));
  }
  return groups;
}

}  // namespace

Status check_options(const EvaluationOptions& options) {
  if (options.bootstrap.rounds < 1)
    return fail(ErrorCode::usage, "{} bootstrap rounds, expected 1 or more", options.bootstrap.rounds);
  if (!(options.threshold >= 0 && options.threshold <= 1))
    return fail(ErrorCode::usage, "threshold {}, expected 0 to 1", options.threshold);
  return {};
}

Result<Evaluation> evaluate_scores(const ScoreTable& table, const EvaluationOptions& options) {
  DFA_TRY(check_options(options));
  Evaluation evaluation;
  evaluation.options = options;
  evaluation.all = measure_group(table, options, {}, {"reals", "fakes"}).figures;
  std::map<std::string, MeasuredGroup> methods = measure_methods(table, options);
  evaluation.over_methods = average_of(methods, options);
  evaluation.methods = figures_of(std::move(methods));
  std::map<std::string, MeasuredGroup> sets = measure_sets(table, options);
  evaluation.over_sets = average_of(sets, options);
  evaluation.sets = figures_of(std::move(sets));
  return evaluation;
}

}  // namespace dfa
