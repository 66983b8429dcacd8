#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "preprocess/crop_shapes.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

// ArcFace's five points in a picture of 112 rows and 96 columns: eye, eye, nose, mouth corner, mouth corner.
constexpr Landmarks kArcFace112x96 = {
    {{30.2946, 51.6963}, {65.5318, 51.5014}, {48.0252, 71.7366}, {33.5493, 92.3655}, {62.7299, 92.2041}}};
constexpr double kArcFaceSide = 112;
constexpr double kWidening = 8;  // from 96 to 112 columns, half on each side

struct Region {
  int x = 0, y = 0, width = 0, height = 0;
  bool empty() const { return width <= 0 || height <= 0; }
};

// Bilinear reads one neighbour; OpenCV rounds source coordinates by up to 1/64. One pixel more is spare.
constexpr double kReach = 3;

// The frame's pixels that can reach a crop of `side`. OpenCV's remap takes pictures below 32767 pixels a side only,
// which long panoramas exceed and what lies under a face does not.
Region source_region(const PictureView& frame, const Similarity& from_crop, int side) {
  const double last = side - 1;
  double x1 = HUGE_VAL, y1 = HUGE_VAL, x2 = -HUGE_VAL, y2 = -HUGE_VAL;
  for (const Point corner : {Point{0, 0}, Point{last, 0}, Point{0, last}, Point{last, last}}) {
    const Point p = from_crop.apply(corner);
    x1 = std::min(x1, p.x), x2 = std::max(x2, p.x);
    y1 = std::min(y1, p.y), y2 = std::max(y2, p.y);
  }
  const auto clip = [](double v, int end) { return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(end))); };
  Region region{clip(std::floor(x1 - kReach), frame.width), clip(std::floor(y1 - kReach), frame.height), 0, 0};
  region.width = clip(std::ceil(x2 + kReach) + 1, frame.width) - region.x;
  region.height = clip(std::ceil(y2 + kReach) + 1, frame.height) - region.y;
  return region;
}

}  // namespace

Landmarks aligned_template(int side, double scale) {
  Landmarks points = kArcFace112x96;
  const double margin = side * (scale - 1) / 2;
  for (Point& p : points) {
    p.x = ((p.x + kWidening) * side / kArcFaceSide + margin) / scale;
    p.y = (p.y * side / kArcFaceSide + margin) / scale;
  }
  return points;
}

Result<Picture> warped_crop(const PictureView& frame, const Similarity& to_crop, int side) {
  // Five points can have a spread and yet no best rotation (the fit is then the constant map).
  if (!(to_crop.scale() > 0) || !std::isfinite(1 / to_crop.scale()))
    return fail(ErrorCode::landmarks_degenerate, "the five landmarks fit no face shape; the face cannot be aligned");
  const Region region = source_region(frame, to_crop.inverse(), side);
  Picture crop = black_picture(side, side);
  if (region.empty()) return crop;
  // Pixel (region.x, region.y) of the frame is pixel (0, 0) of the region.
  const Point origin = to_crop.apply({static_cast<double>(region.x), static_cast<double>(region.y)});
  const cv::Matx23d matrix(to_crop.a, -to_crop.b, origin.x, to_crop.b, to_crop.a, origin.y);
  DFA_TRY(guard_opencv("aligned crop", [&] {
    const cv::Mat source = as_mat(frame)(cv::Rect(region.x, region.y, region.width, region.height));
    cv::Mat target = as_writable_mat(crop);
    cv::warpAffine(source, target, matrix, target.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  }));
  return crop;
}

Result<Picture> aligned_crop(const PictureView& frame, const Landmarks& landmarks_px, double scale, int side) {
  DFA_ASSIGN_OR_RETURN(const Similarity to_crop, fit_similarity(landmarks_px, aligned_template(side, scale)));
  return warped_crop(frame, to_crop, side);
}

}  // namespace dfa
