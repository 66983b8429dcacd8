#include "eval/level_scores.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace dfa {
namespace {

std::optional<double> number_without_score(NoFaceRule rule, int label) {
  switch (rule) {
    case NoFaceRule::leave_out:
      return std::nullopt;
    case NoFaceRule::half:
      return 0.5;
    case NoFaceRule::worst:
      return label == 1 ? 0.0 : 1.0;
  }
  return std::nullopt;
}

double aggregated(std::span<double> scores, Aggregation aggregation) {
  const std::size_t count = scores.size(), middle = count / 2;
  switch (aggregation) {
    case Aggregation::mean: {
      double sum = 0;
      for (const double score : scores) sum += score;
      return sum / static_cast<double>(count);
    }
    case Aggregation::median: {
      std::sort(scores.begin(), scores.end());
      return count % 2 == 1 ? scores[middle] : (scores[middle - 1] + scores[middle]) / 2;
    }
    case Aggregation::max:
      return *std::max_element(scores.begin(), scores.end());
  }
  return 0;
}

void add(LevelScores& scores, double p_fake, int label, std::uint32_t video, std::uint32_t row) {
  scores.p_fake.push_back(p_fake);
  scores.labels.push_back(label);
  scores.videos.push_back(video);
  scores.rows.push_back(row);
}

}  // namespace

std::string_view aggregation_name(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::mean:
      return "mean";
    case Aggregation::median:
      return "median";
    case Aggregation::max:
      return "max";
  }
  return "mean";
}

std::string_view no_face_rule_name(NoFaceRule rule) {
  switch (rule) {
    case NoFaceRule::leave_out:
      return "leave_out";
    case NoFaceRule::half:
      return "noface=0.5";
    case NoFaceRule::worst:
      return "noface=worst";
  }
  return "leave_out";
}

LevelScores frame_scores(const ScoreTable& table, const LevelOptions& options,
                         const std::function<bool(std::size_t)>& keep) {
  LevelScores scores;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const int label = table.labels()[i];
    if (label < 0 || (keep && !keep(i))) continue;
    const double p = table.p_fake()[i];
    const std::optional<double> number =
        std::isnan(p) ? number_without_score(options.no_face, label) : std::optional<double>(p);
    if (number) add(scores, *number, label, table.videos()[i], static_cast<std::uint32_t>(i));
  }
  return scores;
}

LevelScores video_scores(const ScoreTable& table, const LevelOptions& options,
                         const std::function<bool(std::size_t)>& keep) {
  // Rows by video, each video's in order: counted, then dealt out.
  const std::size_t videos = table.video_count();
  std::vector<std::uint32_t> begins(videos + 1, 0), rows;
  const auto enters = [&](std::size_t i) { return table.labels()[i] >= 0 && (!keep || keep(i)); };
  for (std::size_t i = 0; i < table.size(); ++i)
    if (enters(i)) ++begins[table.videos()[i] + 1];
  for (std::size_t v = 0; v < videos; ++v) begins[v + 1] += begins[v];
  rows.resize(begins.back());
  std::vector<std::uint32_t> next(begins.begin(), begins.end() - 1);
  for (std::size_t i = 0; i < table.size(); ++i)
    if (enters(i)) rows[next[table.videos()[i]]++] = static_cast<std::uint32_t>(i);

  LevelScores scores;
  std::vector<double> numbers;
  for (std::uint32_t v = 0; v < videos; ++v) {
    if (begins[v] == begins[v + 1]) continue;
    numbers.clear();
    for (std::uint32_t i = begins[v]; i < begins[v + 1]; ++i)
      if (const double p = table.p_fake()[rows[i]]; !std::isnan(p)) numbers.push_back(p);
    const std::uint32_t first = rows[begins[v]];
    const int label = table.labels()[first];
    const std::size_t enough = std::max<std::size_t>(options.min_frames_per_video, 1);
    const std::optional<double> number =
        numbers.size() >= enough ? aggregated(numbers, options.video) : number_without_score(options.no_face, label);
    if (number) add(scores, *number, label, v, first);
  }
  return scores;
}

}  // namespace dfa
