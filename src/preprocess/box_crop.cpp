#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "preprocess/crop_shapes.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

int rounded(double v) {
  return static_cast<int>(std::floor(v + 0.5));
}

cv::Rect enlarged(const PictureView& frame, const Box& box, double scale) {
  const double x = (box.x1 + box.x2) / 2, y = (box.y1 + box.y2) / 2;
  const double half_width = box.width() * scale / 2, half_height = box.height() * scale / 2;
  const cv::Point first(rounded(x - half_width), rounded(y - half_height));
  const cv::Point end(rounded(x + half_width), rounded(y + half_height));
  return cv::Rect(first, end) & cv::Rect(0, 0, frame.width, frame.height);
}

// Where the part of the frame comes to lie in the crop.
cv::Rect place_in_crop(cv::Size part, int side, BoxFit fit) {
  if (fit == BoxFit::stretch) return {0, 0, side, side};
  const double factor = static_cast<double>(side) / std::max(part.width, part.height);
  const int width = std::clamp(rounded(part.width * factor), 1, side);
  const int height = std::clamp(rounded(part.height * factor), 1, side);
  return {(side - width) / 2, (side - height) / 2, width, height};
}

}  // namespace

Result<Picture> box_crop(const PictureView& frame, const Box& box_px, double scale, int side, BoxFit fit) {
  DFA_TRY(check_box(frame, box_px));
  const cv::Rect part = enlarged(frame, box_px, scale);
  if (part.empty())
    return fail(ErrorCode::landmarks_degenerate, "the face box lies outside the frame of {}x{}", frame.width,
                frame.height);
  Picture crop = black_picture(side, side);
  DFA_TRY(guard_opencv("box crop", [&] {
    const cv::Rect place = place_in_crop(part.size(), side, fit);
    const bool shrinks = part.width > place.width || part.height > place.height;
    const int filter = fit == BoxFit::letterbox && shrinks ? cv::INTER_AREA : cv::INTER_LINEAR;
    cv::Mat target = as_writable_mat(crop)(place);
    cv::resize(as_mat(frame)(part), target, target.size(), 0, 0, filter);
  }));
  return crop;
}

}  // namespace dfa
