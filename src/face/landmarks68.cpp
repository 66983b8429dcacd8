#include "face/landmarks68.hpp"

#include <algorithm>
#include <cmath>

#include "face/dlib_part.hpp"

namespace dfa {
namespace {

// Where each point lies after a mirror: entry i is the point that takes number i.
constexpr std::array<std::size_t, 68> kMirror = {16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4, 3, 2, 1, 0,  // jaw
                                                 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,          // brows
                                                 27, 28, 29, 30, 35, 34, 33, 32, 31,              // nose
                                                 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,  // eyes
                                                 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,  // outer lips
                                                 64, 63, 62, 61, 60, 67, 66, 65};                 // inner lips

// Points this many longer sides of the picture away from it are a mistake of whoever wrote them.
constexpr double kLargestReach = 2;

Point mean_of(const Landmarks68& landmarks, std::size_t from, std::size_t to) {
  Point sum;
  for (std::size_t i = from; i < to; ++i) sum.x += landmarks.points[i].x, sum.y += landmarks.points[i].y;
  const double n = static_cast<double>(to - from);
  return {sum.x / n, sum.y / n};
}

}  // namespace

Box landmark_box(std::span<const Point> points) {
  Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const Point& p : points) {
    box.x1 = std::min(box.x1, p.x), box.x2 = std::max(box.x2, p.x);
    box.y1 = std::min(box.y1, p.y), box.y2 = std::max(box.y2, p.y);
  }
  return box;
}

Landmarks68 mirrored(const Landmarks68& landmarks, int width) {
  Landmarks68 out;
  for (std::size_t i = 0; i < kMirror.size(); ++i) {
    const Point& p = landmarks.points[kMirror[i]];
    out.points[i] = {width - 1 - p.x, p.y};
  }
  return out;
}

std::array<Point, 5> five_of_68(const Landmarks68& landmarks) {
  const auto& p = landmarks.points;
  return {p[37], p[44], p[30], p[49], p[55]};
}

double eye_distance(const Landmarks68& landmarks) {
  const Point left = mean_of(landmarks, 36, 42), right = mean_of(landmarks, 42, 48);
  return std::hypot(right.x - left.x, right.y - left.y);
}

Status check_landmarks(const Landmarks68& landmarks, int width, int height) {
  const double reach = kLargestReach * std::max(width, height);
  for (const Point& p : landmarks.points)
    if (!(std::abs(p.x) <= reach && std::abs(p.y) <= reach))
      return fail(ErrorCode::landmarks_degenerate,
                  "landmark ({:.6g}, {:.6g}) of a picture of {}x{}: expected a point in or near the picture", p.x, p.y,
                  width, height);
  if (!(eye_distance(landmarks) >= 1))
    return fail(ErrorCode::landmarks_degenerate, "the 68 landmarks have both eyes in one place: no face");
  return {};
}

Result<std::shared_ptr<const LandmarkFinder>> make_landmark_finder(std::string_view name,
                                                                   const std::filesystem::path& model) {
  if (name == "dlib") return make_dlib_landmark_finder(model);
  return fail(ErrorCode::usage, "landmark finder '{}' is not known; known: dlib", name);
}

}  // namespace dfa
