#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "preprocess/crop_shapes.hpp"

namespace dfa {
namespace {

// GenD's template in the unit square: eye, eye, nose, mouth corner, mouth corner.
constexpr Landmarks kGendUnit = {{{.34, .46}, {.66, .46}, {.5, .64}, {.37, .82}, {.63, .82}}};

// The pairs that OpenCV's generator draws for five points, in its order.
constexpr std::pair<std::size_t, std::size_t> kPairs[] = {{0, 4}, {0, 3}, {1, 2}, {0, 1}, {1, 4}, {1, 3}};
constexpr std::size_t kMedian = 2;  // place of the third smallest of five
// Rousseeuw's scale estimate for 5 points and a model of 2: 1.4826 (1 + 5 / (5 - 2)), times 2.5.
constexpr double kInlierScale = 2.5 * 1.4826 * (1 + 5.0 / 3.0);
constexpr double kLeastInlierPx = 0.001;

using Distances = std::array<double, 5>;

Distances squared_distances(const Similarity& map, const Landmarks& from, const Landmarks& to) {
  Distances distances{};
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Point p = map.apply(from[i]);
    distances[i] = (p.x - to[i].x) * (p.x - to[i].x) + (p.y - to[i].y) * (p.y - to[i].y);
  }
  return distances;
}

double median_of(Distances distances) {
  std::sort(distances.begin(), distances.end());
  return distances[kMedian];
}

}  // namespace

Landmarks gend_template(int side, double scale) {
  Landmarks points = kGendUnit;
  for (Point& p : points) p = {((p.x - .5) / scale + .5) * side, ((p.y - .5) / scale + .5) * side};
  return points;
}

Result<LmedsFit> fit_lmeds(const Landmarks& from, const Landmarks& to) {
  LmedsFit best;
  double least = HUGE_VAL;
  for (const auto& [i, j] : kPairs) {
    const Result<Similarity> map = fit_similarity(std::array{from[i], from[j]}, std::array{to[i], to[j]});
    if (!map) continue;  // the two points coincide
    if (const double median = median_of(squared_distances(*map, from, to)); median < least) {
      least = median;
      best.to_crop = *map;
    }
  }
  if (!std::isfinite(least))
    return fail(ErrorCode::landmarks_degenerate, "no two of the five landmarks lie apart; the face cannot be aligned");
  const double reach = std::max(kInlierScale * std::sqrt(least), kLeastInlierPx);
  const Distances distances = squared_distances(best.to_crop, from, to);
  std::vector<Point> near_from, near_to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    best.inliers[i] = distances[i] <= reach * reach;
    if (!best.inliers[i]) continue;
    near_from.push_back(from[i]);
    near_to.push_back(to[i]);
  }
  DFA_ASSIGN_OR_RETURN(best.to_crop, fit_similarity(near_from, near_to));
  return best;
}

Result<Picture> lmeds_crop(const PictureView& frame, const Landmarks& landmarks_px, double scale, int side) {
  DFA_ASSIGN_OR_RETURN(const LmedsFit fit, fit_lmeds(landmarks_px, gend_template(side, scale)));
  return warped_crop(frame, fit.to_crop, side);
}

}  // namespace dfa
