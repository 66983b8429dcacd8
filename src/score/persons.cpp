#include "score/persons.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dfa {
namespace {

// A total order of faces in a frame that does not depend on the order of detection: larger first, then by place.
bool before(const FaceRecord& a, const FaceRecord& b) {
  return std::make_tuple(-a.box_px.area(), a.box_px.x1, a.box_px.y1, -a.detector_score) <
         std::make_tuple(-b.box_px.area(), b.box_px.x1, b.box_px.y1, -b.detector_score);
}

struct Link {
  double overlap = 0;
  std::size_t earlier = 0;  // position among the people of the frame before
  std::size_t later = 0;    // face in this frame
};

// Pairs that overlap enough, best first; equal overlaps in the order of the faces.
std::vector<Link> candidate_links(const std::vector<PersonRecord>& persons, const std::vector<std::size_t>& present,
                                  const std::vector<FaceRecord>& faces) {
  std::vector<Link> links;
  for (std::size_t i = 0; i < present.size(); ++i)
    for (std::size_t j = 0; j < faces.size(); ++j)
      if (const double overlap = iou(persons[present[i]].faces.back().box_px, faces[j].box_px); overlap >= kLinkIou)
        links.push_back({overlap, i, j});
  std::stable_sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.overlap > b.overlap; });
  return links;
}

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

// For each face of this frame the person it continues, or kNobody.
std::vector<std::size_t> continue_persons(const std::vector<PersonRecord>& persons,
                                          const std::vector<std::size_t>& present,
                                          const std::vector<FaceRecord>& faces) {
  std::vector<std::size_t> owner(faces.size(), kNobody);
  std::vector<char> taken(present.size(), 0);
  for (const Link& link : candidate_links(persons, present, faces)) {
    if (taken[link.earlier] != 0 || owner[link.later] != kNobody) continue;
    taken[link.earlier] = 1;
    owner[link.later] = present[link.earlier];
  }
  return owner;
}

struct Sum {
  double total = 0;
  double largest = 0;
  std::size_t count = 0;
  void add(double value) {
    total += value;
    largest = count == 0 ? value : std::max(largest, value);
    ++count;
  }
  double mean() const { return total / static_cast<double>(count); }
};

std::vector<IntervalRecord> cut_into_intervals(const std::vector<FaceRecord>& faces, std::size_t scored) {
  const std::size_t size = std::max(kCropsPerInterval, (scored + kMaxIntervals - 1) / kMaxIntervals);
  std::vector<IntervalRecord> intervals;
  Sum sum;
  for (const FaceRecord& face : faces) {
    if (!face.p_fake) continue;
    if (sum.count == size || intervals.empty()) {
      intervals.push_back({.from_seconds = face.pts_seconds});
      sum = Sum();
    }
    sum.add(*face.p_fake);
    intervals.back().to_seconds = face.pts_seconds;
    intervals.back().p_fake_mean = sum.mean();
    intervals.back().p_fake_max = sum.largest;
  }
  return intervals;
}

}  // namespace

std::vector<PersonRecord> link_persons(std::vector<SampledFrame> frames, TimeLine time_line) {
  std::vector<PersonRecord> persons;
  std::vector<std::size_t> present;  // persons seen in the frame before
  for (SampledFrame& frame : frames) {
    std::sort(frame.faces.begin(), frame.faces.end(), before);
    std::vector<std::size_t> owner = continue_persons(persons, present, frame.faces);
    for (std::size_t i = 0; i < frame.faces.size(); ++i) {
      if (owner[i] == kNobody) {
        owner[i] = persons.size();
        persons.emplace_back();
        persons.back().id = static_cast<int>(persons.size());
      }
      persons[owner[i]].faces.push_back(std::move(frame.faces[i]));
    }
    present = std::move(owner);
  }
  for (PersonRecord& person : persons) {
    Sum sum;
    for (const FaceRecord& face : person.faces)
      if (face.p_fake) sum.add(*face.p_fake);
    if (sum.count == 0) continue;
    person.p_fake = sum.mean();
    if (time_line == TimeLine::intervals) person.intervals = cut_into_intervals(person.faces, sum.count);
  }
  return persons;
}

}  // namespace dfa
