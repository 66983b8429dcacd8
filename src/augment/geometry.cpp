// Steps that move pixels.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "augment/augment_steps.hpp"
#include "preprocess/crop.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr std::size_t kChannels = 3;

PictureView window_of(const Picture& picture, int x, int y, int size) {
  const PictureView all = picture.view();
  return {size, size, all.stride, all.row(y) + static_cast<std::ptrdiff_t>(kChannels) * x};
}

cv::Mat matrix_of(const AffineMove& move, int width, int height) {
  const double angle = move.degrees * std::numbers::pi / 180;
  const double c = move.scale * std::cos(angle), s = move.scale * std::sin(angle);
  const double x = (width - 1) / 2.0, y = (height - 1) / 2.0;
  return (cv::Mat_<double>(2, 3) << c, -s, x - c * x + s * y + move.shift_x * width, s, c,
          y - s * x - c * y + move.shift_y * height);
}

}  // namespace

Result<Picture> crop_window(const Picture& picture, const WindowDraw& window) {
  const int side = std::min(picture.width, picture.height);
  const int size = std::clamp(static_cast<int>(std::lround(window.share * side)), 1, side);
  const int x = static_cast<int>(std::lround(window.x * (picture.width - size)));
  const int y = static_cast<int>(std::lround(window.y * (picture.height - size)));
  return resize_antialiased(window_of(picture, x, y, size), picture.width, picture.height, "bilinear");
}

Picture flip_left_right(const Picture& picture) {
  Picture out = picture;
  const std::size_t width = static_cast<std::size_t>(picture.width);
  for (std::size_t y = 0; y < static_cast<std::size_t>(picture.height); ++y)
    for (std::size_t x = 0; x < width; ++x)
      std::copy_n(&picture.rgb[kChannels * (y * width + width - 1 - x)], kChannels,
                  &out.rgb[kChannels * (y * width + x)]);
  return out;
}

Result<Picture> move_affine(const Picture& picture, const AffineMove& move) {
  Picture out = black_picture(picture.width, picture.height);
  cv::Mat to = as_writable_mat(out);
  const int border = move.outside == Outside::mirror ? cv::BORDER_REFLECT_101 : cv::BORDER_CONSTANT;
  DFA_TRY(guard_opencv("moving a crop", [&] {
    cv::warpAffine(as_mat(picture.view()), to, matrix_of(move, picture.width, picture.height), to.size(),
                   cv::INTER_LINEAR, border);
  }));
  return out;
}

}  // namespace dfa
