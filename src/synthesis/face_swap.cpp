#include "synthesis/face_swap.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

// The mask rises from 0 at the hull to 1 over this share of the eye distance.
constexpr double kSoftShare = 0.2;
constexpr double kSpare = 2;  // pixels around the hull that the warp also fills

using Triangle = std::array<std::size_t, 3>;

// Delaunay triangles of the points, as indices. Points that fall on one another share the first one's triangles.
std::vector<Triangle> triangulate(const std::vector<cv::Point2f>& points) {
  const cv::Rect2f around = cv::boundingRect(points);
  const cv::Rect frame(cvFloor(around.x) - 2, cvFloor(around.y) - 2, cvCeil(around.width) + 5,
                       cvCeil(around.height) + 5);
  cv::Subdiv2D mesh(frame);
  constexpr int kNone = -1;
  std::vector<int> index_of_vertex;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto vertex = static_cast<std::size_t>(mesh.insert(points[i]));
    if (vertex >= index_of_vertex.size()) index_of_vertex.resize(vertex + 1, kNone);
    if (index_of_vertex[vertex] == kNone) index_of_vertex[vertex] = static_cast<int>(i);
  }
  std::vector<cv::Vec6f> corners;
  mesh.getTriangleList(corners);
  std::vector<Triangle> triangles;
  for (const cv::Vec6f& t : corners) {
    Triangle triangle;
    bool inside = true;  // the mesh also has triangles to corners of its own, far outside
    for (int k = 0; k < 3 && inside; ++k) {
      const cv::Point2f corner(t[2 * k], t[2 * k + 1]);
      int edge = 0, vertex = 0;
      inside = frame.contains(corner) && mesh.locate(corner, edge, vertex) == cv::Subdiv2D::PTLOC_VERTEX &&
               static_cast<std::size_t>(vertex) < index_of_vertex.size() &&
               index_of_vertex[static_cast<std::size_t>(vertex)] != kNone;
      if (inside)
        triangle[static_cast<std::size_t>(k)] =
            static_cast<std::size_t>(index_of_vertex[static_cast<std::size_t>(vertex)]);
    }
    if (inside) triangles.push_back(triangle);
  }
  return triangles;
}

// Where each pixel of the region comes from in the source.
struct PullMap {
  cv::Rect region;  // of the target picture
  cv::Mat x, y;     // f32
};

// Fills the pixels of one triangle with the affine map between its two places.
void fill_triangle(const std::array<cv::Point2f, 3>& to, const std::array<cv::Point2f, 3>& from, PullMap& map) {
  const float area = (to[1] - to[0]).cross(to[2] - to[0]);
  if (std::abs(area) < 1e-3F) return;
  const auto [left, right] = std::minmax({to[0].x, to[1].x, to[2].x});
  const auto [top, bottom] = std::minmax({to[0].y, to[1].y, to[2].y});
  const int x1 = std::max(cvFloor(left), 0), x2 = std::min(cvCeil(right), map.region.width - 1);
  const int y1 = std::max(cvFloor(top), 0), y2 = std::min(cvCeil(bottom), map.region.height - 1);
  constexpr float kOnEdge = -1e-4F;
  for (int y = y1; y <= y2; ++y)
    for (int x = x1; x <= x2; ++x) {
      const cv::Point2f p(static_cast<float>(x), static_cast<float>(y));
      const float b = (p - to[0]).cross(to[2] - to[0]) / area, c = (to[1] - to[0]).cross(p - to[0]) / area;
      if (b < kOnEdge || c < kOnEdge || 1 - b - c < kOnEdge) continue;
      const cv::Point2f at = from[0] + b * (from[1] - from[0]) + c * (from[2] - from[0]);
      map.x.at<float>(y, x) = at.x;
      map.y.at<float>(y, x) = at.y;
    }
}

std::vector<cv::Point2f> points_from(const Landmarks68& landmarks, cv::Point2f origin) {
  std::vector<cv::Point2f> points;
  for (const Point& p : landmarks.points)
    points.emplace_back(static_cast<float>(p.x) - origin.x, static_cast<float>(p.y) - origin.y);
  return points;
}

cv::Rect region_of(const FaceSource& target) {
  const Box box = landmark_box(target.landmarks.points);
  const cv::Rect wanted(cv::Point(cvFloor(box.x1 - kSpare), cvFloor(box.y1 - kSpare)),
                        cv::Point(cvCeil(box.x2 + kSpare) + 1, cvCeil(box.y2 + kSpare) + 1));
  return wanted & cv::Rect(0, 0, target.picture.width, target.picture.height);
}

// The source's face in the region of the target. Outside the triangles: the similarity of both point sets.
PullMap pull_map(const FaceSource& target, const FaceSource& source, const Similarity& outside,
                 const cv::Rect& region) {
  PullMap map{region, cv::Mat(region.size(), CV_32F), cv::Mat(region.size(), CV_32F)};
  for (int y = 0; y < region.height; ++y)
    for (int x = 0; x < region.width; ++x) {
      const Point at = outside.apply({1.0 * (x + region.x), 1.0 * (y + region.y)});
      map.x.at<float>(y, x) = static_cast<float>(at.x);
      map.y.at<float>(y, x) = static_cast<float>(at.y);
    }
  const auto to = points_from(target.landmarks, cv::Point2f(region.tl()));
  const auto from = points_from(source.landmarks, {0, 0});
  for (const auto& [a, b, c] : triangulate(to)) fill_triangle({to[a], to[b], to[c]}, {from[a], from[b], from[c]}, map);
  return map;
}

// The hull, taken in and softened: finite kernels, so 0 outside the hull.
Result<Mask> soft_hull(const FaceSource& target) {
  DFA_ASSIGN_OR_RETURN(Mask mask,
                       hull_mask(target.landmarks, Hull::filled, target.picture.width, target.picture.height));
  const int reach = std::max(1, static_cast<int>(std::lround(kSoftShare * eye_distance(target.landmarks) / 2)));
  DFA_TRY(guard_opencv("soft hull", [&] {
    cv::Mat values(mask.height, mask.width, CV_8UC1, mask.value.data());
    const cv::Size kernel(2 * reach + 1, 2 * reach + 1);
    // A face that goes over the edge of the picture is not taken in there.
    cv::erode(values, values, cv::getStructuringElement(cv::MORPH_RECT, kernel), cv::Point(-1, -1), 1,
              cv::BORDER_REPLICATE);
    cv::blur(values, values, kernel, cv::Point(-1, -1), cv::BORDER_REPLICATE);
  }));
  return mask;
}

}  // namespace

Result<BlendedPair> face_swap(const FaceSource& target, const FaceSource& source) {
  DFA_TRY(check_landmarks(target.landmarks, target.picture.width, target.picture.height));
  DFA_TRY(check_landmarks(source.landmarks, source.picture.width, source.picture.height));
  DFA_ASSIGN_OR_RETURN(const Similarity outside, fit_similarity(target.landmarks.points, source.landmarks.points));
  BlendedPair pair{target.picture, {}, {}, target.face};
  DFA_ASSIGN_OR_RETURN(pair.mask, soft_hull(target));
  Picture warped = target.picture;
  DFA_TRY(guard_opencv("warping a face", [&] {
    const PullMap map = pull_map(target, source, outside, region_of(target));
    cv::Mat part = as_writable_mat(warped)(map.region);
    cv::remap(as_mat(source.picture.view()), part, map.x, map.y, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  }));
  DFA_ASSIGN_OR_RETURN(const Picture matched, match_colours(warped, target.picture, pair.mask));
  DFA_ASSIGN_OR_RETURN(pair.fake, blend(target.picture, matched, pair.mask, 1));
  return pair;
}

Result<FinishedPair> face_swap_pair(const FaceSource& target, const FaceSource& source, const FinishDraws& draws,
                                    const PairOptions& options) {
  DFA_ASSIGN_OR_RETURN(const FaceSource canvas, cut_canvas(target, options.crop));
  DFA_ASSIGN_OR_RETURN(const FaceSource other, cut_canvas(source, FinalCrop::margins));
  DFA_ASSIGN_OR_RETURN(const BlendedPair pair, face_swap(canvas, other));
  return finish(pair, draws, options);
}

}  // namespace dfa
