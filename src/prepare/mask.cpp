#include "prepare/mask.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr std::uint8_t kWhite = 255;

// The largest channel in all three. Returns whether only black and white are left.
bool flatten(Picture& picture) {
  bool binary = true;
  for (std::size_t i = 0; i + 2 < picture.rgb.size(); i += 3) {
    const std::uint8_t level = std::max({picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]});
    binary = binary && (level == 0 || level == kWhite);
    std::fill_n(picture.rgb.begin() + static_cast<std::ptrdiff_t>(i), 3, level);
  }
  return binary;
}

void make_binary(Picture& picture) {
  for (std::uint8_t& level : picture.rgb) level = level >= kMaskedFrom ? kWhite : 0;
}

}  // namespace

Result<FrameMask> frame_mask(Picture mask, int width, int height) {
  FrameMask result;
  result.is_binary = flatten(mask);
  if (mask.width == width && mask.height == height) {
    result.picture = std::move(mask);
    return result;
  }
  DFA_ASSIGN_OR_RETURN(result.picture, resize_antialiased(mask.view(), width, height, "bilinear"));
  return result;
}

double masked_pixels(const FrameMask& mask, const Box& box_px) {
  const auto clip = [](double v, int end) { return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(end))); };
  const int x1 = clip(std::ceil(box_px.x1), mask.picture.width), x2 = clip(std::ceil(box_px.x2), mask.picture.width);
  const int y1 = clip(std::ceil(box_px.y1), mask.picture.height), y2 = clip(std::ceil(box_px.y2), mask.picture.height);
  const PictureView view = mask.picture.view();
  std::int64_t count = 0;
  for (int y = y1; y < y2; ++y)
    for (int x = x1; x < x2; ++x) count += view.row(y)[3 * x] >= kMaskedFrom ? 1 : 0;
  return static_cast<double>(count);
}

bool has_masked_pixels(const FrameMask& mask) {
  return std::any_of(mask.picture.rgb.begin(), mask.picture.rgb.end(), [](std::uint8_t v) { return v >= kMaskedFrom; });
}

Result<Picture> mask_crop(const FrameMask& mask, const Face& face, const CropRecipe& recipe) {
  DFA_ASSIGN_OR_RETURN(Picture crop, make_crop(mask.picture.view(), face, recipe));
  if (mask.is_binary) make_binary(crop);
  return crop;
}

}  // namespace dfa
