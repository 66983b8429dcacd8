// The ways a face becomes a square picture. make_crop() chooses by recipe; these stand alone for tests and for
// goldens of other policies.
#pragma once

#include <array>

#include "base/result.hpp"
#include "geometry/geometry.hpp"
#include "media/picture.hpp"

namespace dfa {

using Landmarks = std::array<Point, 5>;

// Where the five points come to lie in a crop of side S with margin k: the ArcFace points for 112x112 (those for
// 112x96, x + 8), enlarged, shifted by the margin and shrunk by k, in DeepfakeBench's order of operations.
Landmarks aligned_template(int side, double scale);

// Least squares similarity from the points to the template, bilinear, zeros outside the frame. side x side.
// Errors: landmarks_degenerate.
Result<Picture> aligned_crop(const PictureView& frame, const Landmarks& landmarks_px, double scale, int side);

// The frame through `to_crop`, bilinear, zeros outside the frame. side x side. Errors: landmarks_degenerate for a map
// without a scale.
Result<Picture> warped_crop(const PictureView& frame, const Similarity& to_crop, int side);

// GenD's five points in a crop of side S with margin k: ((t - 0.5) / k + 0.5) S.
Landmarks gend_template(int side, double scale);

struct LmedsFit {
  Similarity to_crop;
  std::array<bool, 5> inliers{};
};
// Least median of squares: of six pairs of points, tried in OpenCV's order for five points, the first that gives the
// smallest third-smallest squared distance; then least squares over the points near to it. One point that lies far off
// does not move the rest. Errors: landmarks_degenerate.
Result<LmedsFit> fit_lmeds(const Landmarks& from, const Landmarks& to);

// That fit to GenD's template, warped. side x side. Errors: landmarks_degenerate.
Result<Picture> lmeds_crop(const PictureView& frame, const Landmarks& landmarks_px, double scale, int side);

// How a box that is no square fills one.
enum class BoxFit {
  stretch,   // width and height each to `side`, bilinear
  letterbox  // the longer side to `side` (area average when shrinking, else bilinear), centred, zeros beside it
};

// The box, enlarged `scale` times around its centre, rounded to pixels and cut at the frame's border. side x side.
// Errors: landmarks_degenerate as face_square, and where nothing of it lies in the frame.
Result<Picture> box_crop(const PictureView& frame, const Box& box_px, double scale, int side, BoxFit fit);

// Errors: landmarks_degenerate when the box is empty, not finite, or more than 16 times as large or far away as the
// frame's longer side.
Status check_box(const PictureView& frame, const Box& box_px);

// What happens to a square that leaves the frame.
enum class SquarePolicy {
  inside,   // shifted into the frame, and no larger than the frame's shorter side: no pixel is invented
  zero_pad  // left where it is, zeros outside
};

// In whole pixels; may leave the frame under zero_pad.
struct PixelSquare {
  int x = 0, y = 0, side = 0;
  bool operator==(const PixelSquare&) const = default;
};

// The square of `scale` times the box's longer side around its centre, rounded to pixels. Errors: as check_box.
Result<PixelSquare> face_square(const PictureView& frame, const Box& box_px, double scale, SquarePolicy policy);

// That square as side x side pixels: area average when shrinking, else bilinear. Errors: as face_square.
Result<Picture> square_crop(const PictureView& frame, const Box& box_px, double scale, int side, SquarePolicy policy);

}  // namespace dfa
