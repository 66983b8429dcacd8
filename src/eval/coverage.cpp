#include <algorithm>
#include <numeric>

#include "eval/evaluation.hpp"

namespace dfa {
namespace {

double share_of(const OutcomeCounts& counts) {
  return counts.inputs() == 0 ? 0 : static_cast<double>(counts.scored()) / static_cast<double>(counts.inputs());
}

}  // namespace

std::size_t OutcomeCounts::scored() const {
  return of(reals, Outcome::scored) + of(fakes, Outcome::scored) + of(unlabelled, Outcome::scored);
}

std::size_t OutcomeCounts::unscored() const {
  std::size_t all = 0;
  for (const auto* counts : {&reals, &fakes, &unlabelled}) all = std::accumulate(counts->begin(), counts->end(), all);
  return all - scored();
}

std::array<std::size_t, kOutcomeCount>& OutcomeCounts::by_label(int label) {
  return label < 0 ? unlabelled : label == 1 ? fakes : reals;
}

double Coverage::share() const {
  return share_of(videos);
}
double Coverage::share_crops() const {
  return share_of(crops);
}

Coverage coverage_of(const ScoreTable& table, std::size_t min_frames_per_video,
                     const std::function<bool(std::size_t)>& keep) {
  struct Video {
    std::size_t scored = 0;
    std::array<bool, kOutcomeCount> seen{};
    bool any = false;
  };
  Coverage coverage;
  std::vector<Video> videos(table.video_count());
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (keep && !keep(i)) continue;
    const auto outcome = static_cast<std::size_t>(table.outcomes()[i]);
    ++coverage.crops.by_label(table.labels()[i])[outcome];
    Video& video = videos[table.videos()[i]];
    video.any = true;
    video.seen[outcome] = true;
    video.scored += table.outcomes()[i] == Outcome::scored ? 1 : 0;
  }
  constexpr std::array kBestFirst = {Outcome::low_quality, Outcome::no_face, Outcome::decode_error};
  for (std::uint32_t v = 0; v < videos.size(); ++v) {
    if (!videos[v].any) continue;
    Outcome outcome = Outcome::abstained;
    if (videos[v].scored >= std::max<std::size_t>(min_frames_per_video, 1))
      outcome = Outcome::scored;
    else if (videos[v].scored == 0)
      for (const Outcome candidate : kBestFirst)
        if (videos[v].seen[static_cast<std::size_t>(candidate)]) {
          outcome = candidate;
          break;
        }
    ++coverage.videos.by_label(table.video(v).label.value_or(-1))[static_cast<std::size_t>(outcome)];
  }
  return coverage;
}

}  // namespace dfa
