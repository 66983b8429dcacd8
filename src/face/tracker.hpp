// Which faces of neighbouring sampled frames are one person (decisions 9), and which person of a video is the forged
// one.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "geometry/geometry.hpp"

namespace dfa {

inline constexpr double kLinkIou = 0.3;  // least overlap of two boxes in neighbouring sampled frames

// Links boxes by the largest overlap first, one to one, between neighbouring frames; a face that is missing in a frame
// comes back as another track. Tracks are numbered from 0 by first appearance, in the order of the boxes: for an answer
// that does not depend on the order of detection, give them in an order of their own. O(faces^2) a frame.
class Tracker {
 public:
  // The boxes of the next frame -> the track of each.
  std::vector<std::size_t> add_frame(std::span<const Box> boxes);
  std::size_t tracks() const { return tracks_; }

 private:
  std::vector<Box> boxes_;             // of the frame before
  std::vector<std::size_t> track_of_;  // of these boxes
  std::size_t tracks_ = 0;
};

enum class TrackRule {
  mask,    // the largest overlap with the mask of the forgery
  largest  // no mask: the largest mean area
};

std::string_view track_rule_name(TrackRule rule);  // "mask", "largest"

// One face of a track, as far as the choice goes.
struct TrackedFace {
  std::size_t frame = 0;  // place among the sampled frames
  std::size_t track = 0;
  double area = 0;         // of its box
  double masked_px = 0;    // pixels of the mask that lie in its box
  bool is_usable = false;  // may become a crop
};

struct TrackChoice {
  TrackRule rule = TrackRule::largest;
  std::vector<std::size_t> tracks;  // the chosen one first; empty where none qualifies
};

// The forged face. Rule mask: the track with the most masked pixels, none where no face lies under the mask. Rule
// largest: the track with the largest mean area among those with a usable face. Equal ones: the lower number.
//
// A face that moves far between two samples, or is missed once, ends its track. So tracks that never share a frame with
// those chosen already are taken as the same person when they, too, lie under the mask (rule mask: at least
// kJoinShare of the first one's masked pixels a face) or are of like size (rule largest: mean areas within a factor of
// kJoinArea); best first.
TrackChoice choose_track(std::span<const TrackedFace> faces, TrackRule rule);

inline constexpr double kJoinShare = 0.5;
inline constexpr double kJoinArea = 4;

}  // namespace dfa
