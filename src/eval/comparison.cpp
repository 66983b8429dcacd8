#include "eval/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "eval/bootstrap.hpp"
#include "eval/delong.hpp"
#include "eval/undefined.hpp"

namespace dfa {
namespace {

constexpr char kBetween = '\0';  // in no path and no name of a set

std::string key_of(std::string_view set, std::string_view name) {
  std::string key(set);
  key += kBetween;
  return key += name;
}

// Row numbers of a table by set and path.
using RowIndex = std::unordered_map<std::string, std::size_t>;

Result<RowIndex> index_rows(const ScoreTable& table, std::string_view which) {
  RowIndex rows;
  rows.reserve(table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    if (!rows.emplace(key_of(row.set, row.path), i).second)
      return fail(ErrorCode::manifest_invalid, "{} comes twice in the {} scores, expected one row an input", row.path,
                  which);
  }
  return rows;
}

// Pairs of rows that both tables have.
struct Match {
  ScoreTable first, second;  // the same inputs in the same order, scored in both
  LeftOut left_out;
};

Status check_label(const ScoreRow& first, const ScoreRow& second) {
  if (first.label && second.label && *first.label != *second.label)
    return fail(ErrorCode::manifest_invalid,
                "{}: label {} in the first scores and {} in the second, expected one label", first.path, *first.label,
                *second.label);
  return {};
}

Result<Match> match_rows(const ScoreTable& first, const ScoreTable& second) {
  DFA_ASSIGN_OR_RETURN(const RowIndex in_first, index_rows(first, "first"));
  DFA_ASSIGN_OR_RETURN(const RowIndex in_second, index_rows(second, "second"));
  Match match;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const ScoreRow one = first.row(i);
    const auto found = in_second.find(key_of(one.set, one.path));
    if (found == in_second.end()) {
      match.left_out.only_first += one.label && one.p_fake ? 1 : 0;
      continue;
    }
    ScoreRow other = second.row(found->second);
    DFA_TRY(check_label(one, other));
    if (!one.label) continue;
    if (one.p_fake && other.p_fake) {
      other.label = one.label;
      other.video = one.video;  // both sides group alike
      DFA_TRY(match.first.add(one));
      DFA_TRY(match.second.add(other));
    } else if (one.p_fake || other.p_fake) {
      ++(one.p_fake ? match.left_out.unscored_in_second : match.left_out.unscored_in_first);
    } else {
      ++match.left_out.unscored_in_both;
    }
  }
  for (std::size_t i = 0; i < second.size(); ++i) {
    const ScoreRow one = second.row(i);
    if (one.label && one.p_fake && !in_first.contains(key_of(one.set, one.path))) ++match.left_out.only_second;
  }
  return match;
}

// Labelled videos of a table, and whether any of their rows has a score.
std::unordered_map<std::string, bool> scored_videos(const ScoreTable& table) {
  std::unordered_map<std::string, bool> videos;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    if (row.label) videos[key_of(row.set, row.video)] |= row.p_fake.has_value();
  }
  return videos;
}

LeftOut videos_left_out(const ScoreTable& first, const ScoreTable& second) {
  const auto in_first = scored_videos(first), in_second = scored_videos(second);
  LeftOut left_out;
  for (const auto& [key, scored] : in_first) {
    const auto found = in_second.find(key);
    if (found == in_second.end())
      left_out.only_first += scored ? 1 : 0;
    else if (!scored || !found->second)
      ++(scored ? left_out.unscored_in_second : found->second ? left_out.unscored_in_first : left_out.unscored_in_both);
  }
  for (const auto& [key, scored] : in_second) left_out.only_second += scored && !in_first.contains(key) ? 1 : 0;
  return left_out;
}

// Two-sided p of "no difference": twice the smaller share of resamples on either side of zero, each side counted with
// half of the zeros and one extra resample, so that no finite number of resamples proves p = 0 (Davison & Hinkley
// 1997).
double p_of(const std::vector<double>& differences) {
  double below = 0, above = 0, count = 0;
  for (const double difference : differences) {
    if (std::isnan(difference)) continue;
    ++count;
    below += difference < 0 ? 1 : difference == 0 ? 0.5 : 0;
    above += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
  }
  return std::min(1.0, 2 * (std::min(below, above) + 1) / (count + 1));
}

std::vector<double> differences(const std::vector<MetricArray>& first, const std::vector<MetricArray>& second,
                                std::size_t metric) {
  std::vector<double> values;
  for (std::size_t i = 0; i < first.size(); ++i) values.push_back(first[i][metric] - second[i][metric]);
  return values;
}

MetricDifference difference_of(const Replicates& first, const Replicates& second, std::size_t metric,
                               const LevelComparison& level, IntervalMethod method) {
  MetricDifference out;
  const double one = first.point[metric], other = second.point[metric];
  if (!std::isnan(one)) out.first = one;
  if (!std::isnan(other)) out.second = other;
  if (!out.first || !out.second) {
    out.undefined = why_undefined(static_cast<Metric>(metric), level.reals, level.fakes);
    return out;
  }
  const std::vector<double> rounds = differences(first.rounds, second.rounds, metric);
  out.p = p_of(rounds);
  out.difference = interval_from(one - other, first.cell_point[metric] - second.cell_point[metric], rounds,
                                 {differences(first.left_out[0], second.left_out[0], metric),
                                  differences(first.left_out[1], second.left_out[1], metric)},
                                 method);
  return out;
}

LevelComparison compare_level(const LevelScores& first, const LevelScores& second, const EvaluationOptions& options) {
  LevelComparison level;
  level.fakes = static_cast<std::size_t>(std::count(first.labels.begin(), first.labels.end(), 1));
  level.reals = first.labels.size() - level.fakes;
  const Replicates of_first =
      bootstrap({first.p_fake, first.labels, first.videos}, options.threshold, options.bootstrap);
  const Replicates of_second =
      bootstrap({second.p_fake, second.labels, second.videos}, options.threshold, options.bootstrap);
  level.metrics.resize(kMetricCount);
  for (std::size_t m = 0; m < kMetricCount; ++m)
    if (options.metrics.empty() ||
        std::find(options.metrics.begin(), options.metrics.end(), static_cast<Metric>(m)) != options.metrics.end())
      level.metrics[m] = difference_of(of_first, of_second, m, level, options.bootstrap.method);
    else
      level.metrics[m].undefined = "not asked for";
  return level;
}

}  // namespace

Result<Comparison> compare_scores(const ScoreTable& first, const ScoreTable& second, const EvaluationOptions& options) {
  DFA_TRY(check_options(options));
  DFA_ASSIGN_OR_RETURN(const Match match, match_rows(first, second));
  Comparison comparison;
  comparison.options = options;
  comparison.left_out_crops = match.left_out;
  comparison.left_out_videos = videos_left_out(first, second);
  const LevelOptions level = {options.video, NoFaceRule::leave_out, options.min_frames_per_video};
  comparison.frame = compare_level(frame_scores(match.first, level), frame_scores(match.second, level), options);
  const LevelScores videos = video_scores(match.first, level), others = video_scores(match.second, level);
  comparison.video = compare_level(videos, others, options);
  comparison.video.delong_p = delong_p(videos.p_fake, others.p_fake, videos.labels);
  return comparison;
}

}  // namespace dfa
