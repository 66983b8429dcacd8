#include "perturb/studio_swing.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr float kFoot = 16, kLumaSwing = 219, kChromaSwing = 224, kFull = 255;
constexpr std::ptrdiff_t kChannels = 3;

// function(Y, Cr, Cb) on every pixel, by reference.
template <class Function>
void for_each_pixel(cv::Mat& picture, Function function) {
  for (int y = 0; y < picture.rows; ++y) {
    auto* row = picture.ptr<float>(y);
    for (int x = 0; x < picture.cols; ++x, row += kChannels) function(row[0], row[1], row[2]);
  }
}

std::uint8_t to_byte(float value, ToByte rule) {
  if (rule == ToByte::clip) value = std::clamp(value, 0.0f, kFull);
  return static_cast<std::uint8_t>(static_cast<int>(value));
}

}  // namespace

cv::Mat to_studio_swing(const PictureView& picture) {
  cv::Mat bgr, values, ycrcb;
  cv::cvtColor(as_mat(picture), bgr, cv::COLOR_RGB2BGR);
  bgr.convertTo(values, CV_32F);
  cv::cvtColor(values, ycrcb, cv::COLOR_BGR2YCrCb);
  for_each_pixel(ycrcb, [](float& luma, float& red, float& blue) {
    luma = (luma * kLumaSwing + kFoot) / kFull;
    red = (red * kChromaSwing + kFoot) / kFull;
    blue = (blue * kChromaSwing + kFoot) / kFull;
  });
  return ycrcb;
}

Picture from_studio_swing(cv::Mat ycrcb, ToByte rule) {
  for_each_pixel(ycrcb, [](float& luma, float& red, float& blue) {
    luma = (luma * kFull - kFoot) / kLumaSwing;
    red = (red * kFull - kFoot) / kChromaSwing;
    blue = (blue * kFull - kFoot) / kChromaSwing;
  });
  cv::Mat bgr;
  cv::cvtColor(ycrcb, bgr, cv::COLOR_YCrCb2BGR);
  Picture out = black_picture(bgr.cols, bgr.rows);
  std::uint8_t* to = out.rgb.data();
  for_each_pixel(bgr, [&to, rule](float blue, float green, float red) {
    for (const float value : {red, green, blue}) *to++ = to_byte(value, rule);
  });
  return out;
}

}  // namespace dfa
