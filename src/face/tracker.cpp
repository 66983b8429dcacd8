#include "face/tracker.hpp"

#include <algorithm>
#include <set>

namespace dfa {
namespace {

struct Link {
  double overlap = 0;
  std::size_t earlier = 0;  // box in the frame before
  std::size_t later = 0;    // box in this frame
};

// Pairs that overlap enough, best first; equal overlaps in the order of the boxes.
std::vector<Link> candidate_links(std::span<const Box> earlier, std::span<const Box> later) {
  std::vector<Link> links;
  for (std::size_t i = 0; i < earlier.size(); ++i)
    for (std::size_t j = 0; j < later.size(); ++j)
      if (const double overlap = iou(earlier[i], later[j]); overlap >= kLinkIou) links.push_back({overlap, i, j});
  std::stable_sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.overlap > b.overlap; });
  return links;
}

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

struct TrackSum {
  std::set<std::size_t> frames;
  double area = 0;
  double masked_px = 0;
  double faces = 0;
  bool has_usable = false;
  double mean_area() const { return area / faces; }
  double mean_masked_px() const { return masked_px / faces; }
};

std::vector<TrackSum> sum_up(std::span<const TrackedFace> faces) {
  std::vector<TrackSum> sums;
  for (const TrackedFace& face : faces) {
    if (face.track >= sums.size()) sums.resize(face.track + 1);
    TrackSum& sum = sums[face.track];
    sum.frames.insert(face.frame);
    sum.area += face.area;
    sum.masked_px += face.masked_px;
    sum.faces += 1;
    sum.has_usable = sum.has_usable || face.is_usable;
  }
  return sums;
}

bool qualifies(const TrackSum& track, TrackRule rule) {
  return track.faces > 0 && (rule == TrackRule::mask ? track.masked_px > 0 : track.has_usable);
}

// Whether `track` may be the person of `best`, who is the best of all.
bool is_alike(const TrackSum& track, const TrackSum& best, TrackRule rule) {
  if (rule == TrackRule::mask) return track.mean_masked_px() >= kJoinShare * best.mean_masked_px();
  return track.mean_area() * kJoinArea >= best.mean_area();
}

bool shares_frame(const TrackSum& track, const std::set<std::size_t>& frames) {
  return std::any_of(track.frames.begin(), track.frames.end(), [&](std::size_t f) { return frames.contains(f); });
}

}  // namespace

std::vector<std::size_t> Tracker::add_frame(std::span<const Box> boxes) {
  std::vector<std::size_t> track_of(boxes.size(), kNobody);
  std::vector<char> taken(boxes_.size(), 0);
  for (const Link& link : candidate_links(boxes_, boxes)) {
    if (taken[link.earlier] != 0 || track_of[link.later] != kNobody) continue;
    taken[link.earlier] = 1;
    track_of[link.later] = track_of_[link.earlier];
  }
  for (std::size_t& track : track_of)
    if (track == kNobody) track = tracks_++;
  boxes_.assign(boxes.begin(), boxes.end());
  track_of_ = track_of;
  return track_of;
}

std::string_view track_rule_name(TrackRule rule) {
  return rule == TrackRule::mask ? "mask" : "largest";
}

TrackChoice choose_track(std::span<const TrackedFace> faces, TrackRule rule) {
  const std::vector<TrackSum> sums = sum_up(faces);
  std::vector<std::size_t> order;  // best first
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (qualifies(sums[i], rule)) order.push_back(i);
  const auto value = [&](std::size_t i) { return rule == TrackRule::mask ? sums[i].masked_px : sums[i].mean_area(); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  TrackChoice choice{rule, {}};
  std::set<std::size_t> frames;
  for (const std::size_t i : order) {
    if (!choice.tracks.empty() && (shares_frame(sums[i], frames) || !is_alike(sums[i], sums[order.front()], rule)))
      continue;
    choice.tracks.push_back(i);
    frames.insert(sums[i].frames.begin(), sums[i].frames.end());
  }
  return choice;
}

}  // namespace dfa
