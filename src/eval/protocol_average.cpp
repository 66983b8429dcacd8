#include "eval/protocol_average.hpp"

#include <fmt/ranges.h>

namespace dfa {
namespace {

// Equal for selectors that choose the same crops.
std::string stream_name(std::string_view class_name, const DataSelector& selector) {
  std::vector<std::string_view> roles;
  for (const Role role : selector.roles) roles.push_back(role_name(role));
  return fmt::format("{} of [{}] {} {} {}", class_name, selector.data, fmt::join(roles, "+"),
                     fmt::join(selector.methods, "+"), selector.folder);
}

}  // namespace

const Replicates& CellAverager::replicates(const AveragedCell& cell, ScoreLevel level) {
  const auto [at, fresh] = done_.try_emplace({cell.scores->cell, level});
  if (!fresh) return at->second;
  const LevelOptions wanted = {options_.video, options_.no_face, options_.min_frames_per_video};
  const LevelScores scores = level == ScoreLevel::frame ? frame_scores(cell.scores->scores, wanted)
                                                        : video_scores(cell.scores->scores, wanted);
  at->second = bootstrap({scores.p_fake,
                          scores.labels,
                          scores.videos,
                          {stream_name("reals", cell.test->reals), stream_name("fakes", cell.test->fakes)}},
                         options_.threshold, options_.bootstrap);
  return at->second;
}

Interval CellAverager::mean(std::span<const AveragedCell> cells, ScoreLevel level, Metric metric) {
  const auto number = static_cast<std::size_t>(metric);
  const auto count = static_cast<double>(cells.size());
  double value = 0, reference = 0;
  std::vector<double> rounds(static_cast<std::size_t>(options_.bootstrap.rounds), 0.0);
  for (const AveragedCell& cell : cells) {
    const Replicates& measured = replicates(cell, level);
    value += measured.point[number] / count;
    reference += measured.cell_point[number] / count;
    for (std::size_t round = 0; round < rounds.size(); ++round) rounds[round] += measured.rounds[round][number] / count;
  }
  return interval_from(value, reference, std::move(rounds), {}, options_.bootstrap.method);
}

}  // namespace dfa
