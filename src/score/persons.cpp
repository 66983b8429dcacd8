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
  Tracker tracker;
  for (SampledFrame& frame : frames) {
    std::sort(frame.faces.begin(), frame.faces.end(), before);
    std::vector<Box> boxes;
    for (const FaceRecord& face : frame.faces) boxes.push_back(face.box_px);
    const std::vector<std::size_t> owner = tracker.add_frame(boxes);
    persons.resize(tracker.tracks());
    for (std::size_t i = 0; i < frame.faces.size(); ++i) persons[owner[i]].faces.push_back(std::move(frame.faces[i]));
  }
  for (std::size_t i = 0; i < persons.size(); ++i) persons[i].id = static_cast<int>(i) + 1;
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
