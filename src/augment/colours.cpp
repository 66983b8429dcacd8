// Steps that change each pixel by its own value.
#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "augment/augment_steps.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr std::size_t kChannels = 3;
constexpr double kWhite = 255;

std::uint8_t to_u8(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// function(value, channel) of every byte, by a table.
template <class Function>
Picture map_bytes(const Picture& picture, Function function) {
  std::array<std::array<std::uint8_t, 256>, kChannels> table;
  for (std::size_t c = 0; c < kChannels; ++c)
    for (std::size_t v = 0; v < table[c].size(); ++v) table[c][v] = to_u8(function(static_cast<double>(v), c));
  Picture out = picture;
  for (std::size_t i = 0; i < out.rgb.size(); i += kChannels)
    for (std::size_t c = 0; c < kChannels; ++c) out.rgb[i + c] = table[c][out.rgb[i + c]];
  return out;
}

}  // namespace

Picture adjust_gain(const Picture& picture, double factor) {
  return map_bytes(picture, [factor](double v, std::size_t) { return factor * v; });
}

Picture adjust_brightness(const Picture& picture, double shift) {
  return map_bytes(picture, [shift](double v, std::size_t) { return v + kWhite * shift; });
}

Picture adjust_contrast(const Picture& picture, double factor, double around) {
  return map_bytes(picture, [=](double v, std::size_t) { return around + factor * (v - around); });
}

Picture adjust_light(const Picture& picture, double brightness, double contrast) {
  return map_bytes(picture, [=](double v, std::size_t) { return v * (1 + contrast) + kWhite * brightness; });
}

Picture add_colour(const Picture& picture, const ColourVector& shift) {
  return map_bytes(picture, [&shift](double v, std::size_t c) { return v + shift[c]; });
}

Picture to_grey(const Picture& picture) {
  Picture out = picture;
  for (std::size_t i = 0; i < out.rgb.size(); i += kChannels)
    std::fill_n(&out.rgb[i], kChannels,
                to_u8(0.299 * picture.rgb[i] + 0.587 * picture.rgb[i + 1] + 0.114 * picture.rgb[i + 2]));
  return out;
}

Result<Picture> shift_hsv(const Picture& picture, double hue, double saturation, double value) {
  constexpr double kDegreesPerHue = 2;  // OpenCV's 8-bit hue circle has 180 steps
  constexpr float kFullCircle = 360;
  const float turn = static_cast<float>(hue * kDegreesPerHue);
  const float add_saturation = static_cast<float>(saturation / kWhite), add_value = static_cast<float>(value / kWhite);
  Picture out = picture;
  DFA_TRY(guard_opencv("hue and saturation", [&] {
    cv::Mat pixels = as_writable_mat(out), values;
    pixels.convertTo(values, CV_32FC3, 1 / kWhite);
    cv::cvtColor(values, values, cv::COLOR_RGB2HSV);  // hue in degrees, the others in [0, 1]
    values.forEach<cv::Vec3f>([&](cv::Vec3f& p, const int*) {
      p[0] = std::fmod(p[0] + turn + kFullCircle, kFullCircle);
      p[1] = std::clamp(p[1] + add_saturation, 0.0F, 1.0F);
      p[2] = std::clamp(p[2] + add_value, 0.0F, 1.0F);
    });
    cv::cvtColor(values, values, cv::COLOR_HSV2RGB);
    values.convertTo(pixels, CV_8UC3, kWhite);
  }));
  return out;
}

}  // namespace dfa
