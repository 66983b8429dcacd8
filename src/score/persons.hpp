// Which faces of neighbouring frames are one person, until real tracking exists (decisions 9).
#pragma once

#include <cstdint>
#include <vector>

#include "face/tracker.hpp"
#include "score/result.hpp"

namespace dfa {

// What was found in one sampled frame.
struct SampledFrame {
  std::int64_t index = 0;
  double pts_seconds = 0;
  std::vector<FaceRecord> faces;  // any order: the answer does not depend on it
};

enum class TimeLine { none, intervals };

// Links boxes by the largest overlap first, one to one, between neighbouring sampled frames; a person who is missing in
// a frame comes back as another. Persons are numbered by first appearance, larger box first. Each gets the mean over
// its scored crops and, with TimeLine::intervals, at most kMaxIntervals stretches of its time line. Requires frames in
// time order. O(frames * faces^2).
std::vector<PersonRecord> link_persons(std::vector<SampledFrame> frames, TimeLine time_line);

// A person's time line is cut into at most this many stretches of at least kCropsPerInterval crops each (the last may
// be shorter).
inline constexpr std::size_t kMaxIntervals = 12;
inline constexpr std::size_t kCropsPerInterval = 4;

}  // namespace dfa
