#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "preprocess/crop_shapes.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

// Beyond this many longer sides of the frame a box is a mistake of whoever wrote it, and padding it would only cost
// memory.
constexpr double kLargestReach = 16;

bool is_sane(const PictureView& frame, const Box& box) {
  const double reach = kLargestReach * std::max(frame.width, frame.height);
  const bool near =
      std::abs(box.x1) <= reach && std::abs(box.y1) <= reach && std::abs(box.x2) <= reach && std::abs(box.y2) <= reach;
  return near && box.width() > 0 && box.height() > 0;
}

int rounded(double v) {
  return static_cast<int>(std::floor(v + 0.5));
}

// The square's pixels, zeros where it leaves the frame.
cv::Mat cut_out(const PictureView& frame, const PixelSquare& square) {
  const cv::Rect wanted(square.x, square.y, square.side, square.side);
  const cv::Rect there = wanted & cv::Rect(0, 0, frame.width, frame.height);
  if (there == wanted) return as_mat(frame)(there);
  cv::Mat padded = cv::Mat::zeros(square.side, square.side, CV_8UC3);
  if (!there.empty()) as_mat(frame)(there).copyTo(padded(there - wanted.tl()));
  return padded;
}

}  // namespace

Status check_box(const PictureView& frame, const Box& box_px) {
  if (is_sane(frame, box_px)) return {};
  return fail(ErrorCode::landmarks_degenerate,
              "face box ({:.6g}, {:.6g}, {:.6g}, {:.6g}) in a frame of {}x{} is no box", box_px.x1, box_px.y1,
              box_px.x2, box_px.y2, frame.width, frame.height);
}

Result<PixelSquare> face_square(const PictureView& frame, const Box& box_px, double scale, SquarePolicy policy) {
  DFA_TRY(check_box(frame, box_px));
  const double longer = std::max(box_px.width(), box_px.height());
  PixelSquare square;
  square.side = std::max(1, rounded(longer * scale));
  if (policy == SquarePolicy::inside) square.side = std::min({square.side, frame.width, frame.height});
  square.x = rounded((box_px.x1 + box_px.x2) / 2 - square.side / 2.0);
  square.y = rounded((box_px.y1 + box_px.y2) / 2 - square.side / 2.0);
  if (policy == SquarePolicy::inside) {
    square.x = std::clamp(square.x, 0, frame.width - square.side);
    square.y = std::clamp(square.y, 0, frame.height - square.side);
  }
  return square;
}

Result<Picture> square_crop(const PictureView& frame, const Box& box_px, double scale, int side, SquarePolicy policy) {
  DFA_ASSIGN_OR_RETURN(const PixelSquare square, face_square(frame, box_px, scale, policy));
  Picture crop = black_picture(side, side);
  DFA_TRY(guard_opencv("square crop", [&] {
    cv::Mat target = as_writable_mat(crop);
    const int filter = square.side > side ? cv::INTER_AREA : cv::INTER_LINEAR;
    cv::resize(cut_out(frame, square), target, target.size(), 0, 0, filter);
  }));
  return crop;
}

}  // namespace dfa
