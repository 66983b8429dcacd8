#include "synthesis/colour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "augment/augment_steps.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr double kWhite = 255;
constexpr double kLargestSpreadRatio = 2;
constexpr int kHalf = 127;  // of a mask

std::uint8_t to_u8(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// value' = value * factor + addend[channel].
void map_linear(Picture& picture, double factor, const std::array<double, 3>& addend) {
  std::array<std::array<std::uint8_t, 256>, 3> table;
  for (std::size_t c = 0; c < table.size(); ++c)
    for (std::size_t v = 0; v < table[c].size(); ++v) table[c][v] = to_u8(static_cast<double>(v) * factor + addend[c]);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = table[i % table.size()][picture.rgb[i]];
}

cv::Mat lab_of(const Picture& picture) {
  cv::Mat values;
  as_mat(picture.view()).convertTo(values, CV_32FC3, 1 / kWhite);
  cv::cvtColor(values, values, cv::COLOR_RGB2Lab);
  return values;
}

}  // namespace

ColourShift draw_colour_shift(const ColourChances& chances, RngStream& stream) {
  const auto around = [&stream](double half) { return stream.uniform(-half, half); };
  ColourShift shift;
  const bool rgb = stream.chance(chances.rgb_p);
  const double red = around(chances.rgb), green = around(chances.rgb), blue = around(chances.rgb);
  const bool hsv = stream.chance(chances.hsv_p);
  const double hue = around(chances.hsv), saturation = around(chances.hsv), value = around(chances.hsv);
  const bool light = stream.chance(chances.brightness_contrast_p);
  const double brightness = around(chances.brightness_contrast), contrast = around(chances.brightness_contrast);
  if (rgb) shift.red = red, shift.green = green, shift.blue = blue;
  if (hsv) shift.hue = hue, shift.saturation = saturation, shift.value = value;
  if (light) shift.brightness = brightness, shift.contrast = contrast;
  return shift;
}

Result<Picture> shift_colours(const Picture& picture, const ColourShift& shift) {
  Picture out = picture;
  if (shift.red != 0 || shift.green != 0 || shift.blue != 0) map_linear(out, 1, {shift.red, shift.green, shift.blue});
  if (shift.hue != 0 || shift.saturation != 0 || shift.value != 0) {
    DFA_ASSIGN_OR_RETURN(out, shift_hsv(out, shift.hue, shift.saturation, shift.value));
  }
  if (shift.brightness != 0 || shift.contrast != 0) {
    const double add = kWhite * shift.brightness;
    map_linear(out, 1 + shift.contrast, {add, add, add});
  }
  return out;
}

Result<Picture> coarsen(const Picture& picture, int ratio) {
  Picture out = black_picture(picture.width, picture.height);
  DFA_TRY(guard_opencv("coarsening", [&] {
    cv::Mat small, target = as_writable_mat(out);
    const cv::Size size(std::max(1, picture.width / ratio), std::max(1, picture.height / ratio));
    cv::resize(as_mat(picture.view()), small, size, 0, 0, cv::INTER_NEAREST);
    cv::resize(small, target, target.size(), 0, 0, cv::INTER_LINEAR);
  }));
  return out;
}

Result<Picture> sharpen(const Picture& picture, double alpha, double lightness) {
  Picture out = black_picture(picture.width, picture.height);
  DFA_TRY(guard_opencv("sharpening", [&] {
    cv::Mat kernel(3, 3, CV_32F, cv::Scalar(-alpha));
    kernel.at<float>(1, 1) = static_cast<float>(1 - alpha + alpha * (8 + lightness));
    cv::Mat target = as_writable_mat(out);
    cv::filter2D(as_mat(picture.view()), target, CV_8U, kernel, cv::Point(-1, -1), 0, cv::BORDER_REFLECT_101);
  }));
  return out;
}

Result<Picture> match_colours(const Picture& picture, const Picture& like, const Mask& where) {
  Picture out = picture;
  DFA_TRY(guard_opencv("matching colours", [&] {
    const cv::Mat region =
        cv::Mat(where.height, where.width, CV_8UC1, const_cast<std::uint8_t*>(where.value.data())) > kHalf;
    cv::Mat values = lab_of(picture);
    cv::Scalar mean, spread, wanted_mean, wanted_spread;
    cv::meanStdDev(values, mean, spread, region);
    cv::meanStdDev(lab_of(like), wanted_mean, wanted_spread, region);
    cv::Vec3f factor, addend;
    for (int c = 0; c < 3; ++c) {
      const double ratio = spread[c] > 0 ? wanted_spread[c] / spread[c] : 1;
      factor[c] = static_cast<float>(std::clamp(ratio, 1 / kLargestSpreadRatio, kLargestSpreadRatio));
      addend[c] = static_cast<float>(wanted_mean[c] - static_cast<double>(factor[c]) * mean[c]);
    }
    values.forEach<cv::Vec3f>([&](cv::Vec3f& p, const int*) { p = p.mul(factor) + addend; });
    cv::cvtColor(values, values, cv::COLOR_Lab2RGB);
    cv::Mat target = as_writable_mat(out);
    values.convertTo(target, CV_8UC3, kWhite);
  }));
  return out;
}

}  // namespace dfa
