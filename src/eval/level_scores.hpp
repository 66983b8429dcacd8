// The items of one level, frames or videos, out of a score table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "eval/score_table.hpp"

namespace dfa {

// How a video's scored frames become one number. The mean is the headline; the others are named variants.
enum class Aggregation { mean, median, max };
std::string_view aggregation_name(Aggregation aggregation);
// What happens to an input without a score. leave_out is the headline; `half` gives it 0.5 as SBI's evaluation does,
// `worst` gives a real 1 and a fake 0: a lower bound.
enum class NoFaceRule { leave_out, half, worst };
std::string_view no_face_rule_name(NoFaceRule rule);  // "leave_out", "noface=0.5", "noface=worst"

struct LevelOptions {
  Aggregation video = Aggregation::mean;
  NoFaceRule no_face = NoFaceRule::leave_out;
  std::size_t min_frames_per_video = 1;  // scored frames that a video must have to be scored
};

struct LevelScores {
  std::vector<double> p_fake;
  std::vector<int> labels;            // 1 = fake
  std::vector<std::uint32_t> videos;  // number in the table of the video the item belongs to
  std::vector<std::uint32_t> rows;    // frames: the row in the table; videos: the first row of the video
};

// Labelled rows for which `keep(row)` holds (all, when empty) and that have a number or get one by the rule.
LevelScores frame_scores(const ScoreTable& table, const LevelOptions& options = {},
                         const std::function<bool(std::size_t)>& keep = {});
// The same per video. A video with too few scored frames is an input without a score.
LevelScores video_scores(const ScoreTable& table, const LevelOptions& options = {},
                         const std::function<bool(std::size_t)>& keep = {});

}  // namespace dfa
