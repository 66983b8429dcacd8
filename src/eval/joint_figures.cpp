#include "eval/joint_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "eval/bootstrap.hpp"
#include "eval/undefined.hpp"

namespace dfa {
namespace {

constexpr std::size_t kClasses = 2;

// The videos of all conditions under common numbers.
class JointVideos {
 public:
  // The common number of each video of the table.
  Result<std::vector<std::uint32_t>> add(const Condition& condition, const VideoIdentity& identity) {
    std::vector<std::uint32_t> common;
    std::unordered_map<std::uint32_t, std::uint32_t> seen;
    for (std::uint32_t i = 0; i < condition.table->video_count(); ++i) {
      const VideoEntry video = condition.table->video(i);
      const auto [found, fresh] = numbers_.emplace(identity(video), static_cast<std::uint32_t>(labels_.size()));
      if (fresh) labels_.push_back(-1);
      common.push_back(found->second);
      if (const auto [first, alone] = seen.emplace(found->second, i); !alone)
        return fail(ErrorCode::manifest_invalid, "{}: {} and {} count as the same video, expected one of them",
                    condition.name, condition.table->video(first->second).key, video.key);
      if (video.label) DFA_TRY(set_label(found->second, *video.label, condition, video));
    }
    return common;
  }
  std::size_t size() const { return labels_.size(); }

 private:
  Status set_label(std::uint32_t number, int label, const Condition& condition, const VideoEntry& video) {
    const int known = std::exchange(labels_[number], label);
    if (known < 0 || known == label) return {};
    return fail(ErrorCode::manifest_invalid, "{}: {} has label {}, under another condition {}", condition.name,
                video.key, label, known);
  }
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<int> labels_;
};

// One condition at one level.
struct Sample {
  LevelScores scores;
  std::vector<std::uint32_t> videos;  // common number of each item's video
  std::size_t reals = 0, fakes = 0;
  Replicates replicates;
};

Sample make_sample(LevelScores scores, const std::vector<std::uint32_t>& common) {
  Sample sample;
  for (const std::uint32_t video : scores.videos) sample.videos.push_back(common[video]);
  sample.fakes = static_cast<std::size_t>(std::count(scores.labels.begin(), scores.labels.end(), 1));
  sample.reals = scores.labels.size() - sample.fakes;
  sample.scores = std::move(scores);
  return sample;
}

// All conditions at one level.
class Level {
 public:
  Level(std::vector<Sample> samples, std::size_t videos, std::span<const Condition> conditions,
        const EvaluationOptions& options)
      : samples_(std::move(samples)), conditions_(conditions), options_(options) {
    const std::array<std::vector<std::uint32_t>, kClasses> scored = scored_videos(videos);
    for (Sample& sample : samples_)
      sample.replicates = bootstrap(
          {sample.scores.p_fake, sample.scores.labels, sample.videos, {"reals", "fakes"}, {scored[0], scored[1]}},
          options.threshold, options.bootstrap);
  }

  std::vector<MetricValue> figures(const Combination& combination) const {
    std::vector<MetricValue> values(kMetricCount);
    for (const MetricInfo& info : metric_registry())
      values[static_cast<std::size_t>(info.id)] = figure(combination, info.id);
    return values;
  }

 private:
  // Videos that any condition scores, by class, in the order of their numbers.
  std::array<std::vector<std::uint32_t>, kClasses> scored_videos(std::size_t videos) const {
    std::vector<int> label_of(videos, -1);
    for (const Sample& sample : samples_)
      for (std::size_t i = 0; i < sample.videos.size(); ++i) label_of[sample.videos[i]] = sample.scores.labels[i];
    std::array<std::vector<std::uint32_t>, kClasses> scored;
    for (std::uint32_t i = 0; i < videos; ++i)
      if (label_of[i] >= 0) scored[static_cast<std::size_t>(label_of[i])].push_back(i);
    return scored;
  }

  // The combination of what `of` says of each condition; NaN where a condition that weighs something has NaN.
  template <class Of>
  double combined(const Combination& combination, Of of) const {
    double sum = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i)
      if (combination.weights[i] != 0) sum += combination.weights[i] * of(samples_[i].replicates);
    return sum;
  }
  std::vector<double> combined_rows(const Combination& combination, std::size_t m, std::size_t rows,
                                    const std::function<const std::vector<MetricArray>&(const Replicates&)>& of) const {
    std::vector<double> values(rows);
    for (std::size_t row = 0; row < rows; ++row)
      values[row] = combined(combination, [&](const Replicates& one) { return of(one)[row][m]; });
    return values;
  }

  bool is_asked(Metric metric) const {
    return options_.metrics.empty() ||
           std::find(options_.metrics.begin(), options_.metrics.end(), metric) != options_.metrics.end();
  }

  MetricValue figure(const Combination& combination, Metric metric) const {
    const auto m = static_cast<std::size_t>(metric);
    MetricValue figure;
    const double point = combined(combination, [m](const Replicates& one) { return one.point[m]; });
    if (!is_asked(metric)) {
      figure.undefined = "not asked for";
    } else if (std::isnan(point)) {
      figure.undefined = why(combination, metric);
    } else {
      const double on_cells = combined(combination, [m](const Replicates& one) { return one.cell_point[m]; });
      std::vector<double> rounds =
          combined_rows(combination, m, samples_.front().replicates.rounds.size(),
                        [](const Replicates& one) -> const std::vector<MetricArray>& { return one.rounds; });
      figure.caution = caution_of(rounds);
      figure.interval =
          interval_from(point, on_cells, std::move(rounds), left_out(combination, m), options_.bootstrap.method);
    }
    return figure;
  }

  std::array<std::vector<double>, kClasses> left_out(const Combination& combination, std::size_t m) const {
    std::array<std::vector<double>, kClasses> values;
    for (std::size_t k = 0; k < kClasses; ++k)
      values[k] =
          combined_rows(combination, m, samples_.front().replicates.left_out[k].size(),
                        [k](const Replicates& one) -> const std::vector<MetricArray>& { return one.left_out[k]; });
    return values;
  }

  std::string caution_of(const std::vector<double>& rounds) const {
    for (const std::size_t videos : samples_.front().replicates.groups)
      if (videos == 1) return "a class has a single video: its spread is not in the interval";
    const auto lost = std::count_if(rounds.begin(), rounds.end(), [](double value) { return std::isnan(value); });
    return lost == 0 ? "" : fmt::format("undefined in {} of {} resamples, which were left out", lost, rounds.size());
  }

  std::string why(const Combination& combination, Metric metric) const {
    for (std::size_t i = 0; i < samples_.size(); ++i)
      if (combination.weights[i] != 0 && std::isnan(samples_[i].replicates.point[static_cast<std::size_t>(metric)]))
        return fmt::format("{}: {}", conditions_[i].name, why_undefined(metric, samples_[i].reals, samples_[i].fakes));
    return "not defined on these scores";
  }

  std::vector<Sample> samples_;
  std::span<const Condition> conditions_;
  const EvaluationOptions& options_;
};

Status check_request(std::span<const Condition> conditions, std::span<const Combination> combinations,
                     const EvaluationOptions& options) {
  if (conditions.empty() || options.bootstrap.rounds < 1)
    return fail(ErrorCode::usage, "{} conditions and {} bootstrap rounds, expected at least one of each",
                conditions.size(), options.bootstrap.rounds);
  for (const Combination& combination : combinations)
    if (combination.weights.size() != conditions.size())
      return fail(ErrorCode::usage, "{} weights for {} conditions", combination.weights.size(), conditions.size());
  return {};
}

}  // namespace

std::string video_identity(const VideoEntry& video) {
  return fmt::format("{}\n{}", video.set, video.key);
}

Result<std::vector<JointFigure>> joint_figures(std::span<const Condition> conditions,
                                               std::span<const Combination> combinations,
                                               const EvaluationOptions& options, const VideoIdentity& identity) {
  DFA_TRY(check_request(conditions, combinations, options));
  const LevelOptions level{options.video, options.no_face, options.min_frames_per_video};
  JointVideos videos;
  std::vector<Sample> frames, whole;
  for (const Condition& condition : conditions) {
    DFA_ASSIGN_OR_RETURN(const std::vector<std::uint32_t> common, videos.add(condition, identity));
    frames.push_back(make_sample(frame_scores(*condition.table, level), common));
    whole.push_back(make_sample(video_scores(*condition.table, level), common));
  }
  const Level of_frames(std::move(frames), videos.size(), conditions, options);
  const Level of_videos(std::move(whole), videos.size(), conditions, options);
  std::vector<JointFigure> figures;
  for (const Combination& combination : combinations)
    figures.push_back({of_frames.figures(combination), of_videos.figures(combination)});
  return figures;
}

}  // namespace dfa
