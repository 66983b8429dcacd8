#include "augment/augment.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr std::size_t kChannels = 3;

std::uint8_t to_u8(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// A value table applied to every byte.
template <class Function>
Picture map_bytes(const Picture& picture, Function function) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = to_u8(function(static_cast<double>(i)));
  Picture out = picture;
  for (std::uint8_t& byte : out.rgb) byte = table[byte];
  return out;
}

std::array<double, kChannels> mean_colour(const Picture& picture) {
  std::array<double, kChannels> sums{};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) sums[i % kChannels] += picture.rgb[i];
  for (double& sum : sums) sum /= static_cast<double>(picture.rgb.size() / kChannels);
  return sums;
}

PictureView window(const Picture& picture, int x, int y, int width, int height) {
  const PictureView all = picture.view();
  return {width, height, all.stride, all.row(y) + static_cast<std::ptrdiff_t>(kChannels) * x};
}

Result<Picture> crop_window(const Picture& picture, double share, double x_share, double y_share) {
  const int side = std::min(picture.width, picture.height);
  const int size = std::clamp(static_cast<int>(std::lround(share * side)), 1, side);
  const int x = static_cast<int>(std::lround(x_share * (picture.width - size)));
  const int y = static_cast<int>(std::lround(y_share * (picture.height - size)));
  return resize_antialiased(window(picture, x, y, size, size), picture.width, picture.height, "bilinear");
}

Picture erase_rectangle(const Picture& picture, double area_share, double aspect, double x_share, double y_share) {
  const double area = area_share * picture.width * picture.height;
  const int width = std::clamp(static_cast<int>(std::lround(std::sqrt(area * aspect))), 1, picture.width);
  const int height = std::clamp(static_cast<int>(std::lround(std::sqrt(area / aspect))), 1, picture.height);
  const int left = static_cast<int>(std::lround(x_share * (picture.width - width)));
  const int top = static_cast<int>(std::lround(y_share * (picture.height - height)));
  const auto mean = mean_colour(picture);
  Picture out = picture;
  for (int y = top; y < top + height; ++y)
    for (int x = left; x < left + width; ++x)
      for (std::size_t c = 0; c < kChannels; ++c)
        out.rgb[kChannels * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                             static_cast<std::size_t>(x)) +
                c] = to_u8(mean[c]);
  return out;
}

// What was drawn for one option. Everything is drawn whether or not it is used, so that options do not shift each
// other.
struct Draw {
  bool on = false;
  double strength = 0;
  double x = 0, y = 0, shape = 0;
};

Draw draw(RngStream& stream, const Chance& chance) {
  Draw drawn;
  drawn.on = stream.chance(chance.p);
  drawn.strength = stream.uniform(chance.low, chance.high);
  drawn.x = stream.uniform();
  drawn.y = stream.uniform();
  drawn.shape = std::exp2(stream.uniform(-1, 1));
  return drawn;
}

Status check_chance(std::string_view name, const Chance& chance, double lowest, double highest) {
  if (!(chance.p >= 0 && chance.p <= 1))
    return fail(ErrorCode::usage, "augment.{}.p is {}, expected 0 to 1", name, chance.p);
  if (!(chance.low <= chance.high && chance.low >= lowest && chance.high <= highest))
    return fail(ErrorCode::usage, "augment.{} draws from {} to {}, expected low <= high within {} to {}", name,
                chance.low, chance.high, lowest, highest);
  return {};
}

}  // namespace

Status check_augment(const AugmentOptions& options) {
  constexpr double kSmallestWindow = 0.1, kLargestSigma = 50;
  if (!(options.flip >= 0 && options.flip <= 1))
    return fail(ErrorCode::usage, "augment.flip is {}, expected 0 to 1", options.flip);
  DFA_TRY(check_chance("crop", options.crop, kSmallestWindow, 1));
  DFA_TRY(check_chance("brightness", options.brightness, -1, 1));
  DFA_TRY(check_chance("contrast", options.contrast, 0, 10));
  DFA_TRY(check_chance("blur", options.blur, 0, kLargestSigma));
  DFA_TRY(check_chance("jpeg", options.jpeg, 1, 100));
  return check_chance("erase", options.erase, 0, 1);
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

Picture adjust_brightness(const Picture& picture, double shift) {
  return map_bytes(picture, [shift](double v) { return v + 255.0 * shift; });
}

Picture adjust_contrast(const Picture& picture, double factor) {
  const auto colour = mean_colour(picture);
  const double mean = (colour[0] + colour[1] + colour[2]) / static_cast<double>(kChannels);
  return map_bytes(picture, [mean, factor](double v) { return mean + factor * (v - mean); });
}

Result<Picture> augment(const Picture& crop, const AugmentOptions& options, RngStream stream) {
  if (crop.width < 1 || crop.height < 1)
    return fail(ErrorCode::usage, "augment: the crop is {}x{}, expected at least 1x1", crop.width, crop.height);
  const Draw crop_draw = draw(stream, options.crop);
  const Draw flip_draw = draw(stream, {options.flip, 0, 1});
  const Draw brightness = draw(stream, options.brightness);
  const Draw contrast = draw(stream, options.contrast);
  const Draw blur = draw(stream, options.blur);
  const Draw jpeg = draw(stream, options.jpeg);
  const Draw erase = draw(stream, options.erase);

  Picture out = crop;
  if (crop_draw.on) {
    DFA_ASSIGN_OR_RETURN(out, crop_window(out, crop_draw.strength, crop_draw.x, crop_draw.y));
  }
  if (flip_draw.on) out = flip_left_right(out);
  if (brightness.on) out = adjust_brightness(out, brightness.strength);
  if (contrast.on) out = adjust_contrast(out, contrast.strength);
  if (blur.on) out = blur_gaussian(out, blur.strength);
  if (jpeg.on) {
    DFA_ASSIGN_OR_RETURN(out, reencode_jpeg(out, static_cast<int>(std::lround(jpeg.strength))));
  }
  if (erase.on) out = erase_rectangle(out, erase.strength, erase.shape, erase.x, erase.y);
  return out;
}

RngStream augment_stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample) {
  return RngStream(seed, "augment").child(epoch).child(sample);
}

}  // namespace dfa
