// One function a picture format, and what they share. Internal to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "media/limits.hpp"
#include "media/picture.hpp"

namespace dfa {

// Each decodes a whole file of its format to an upright picture. Errors as decode_picture().
Result<Picture> decode_jpeg(std::span<const std::byte> bytes, const MediaLimits& limits);
Result<Picture> decode_png(std::span<const std::byte> bytes, const MediaLimits& limits);
Result<Picture> decode_webp(std::span<const std::byte> bytes, const MediaLimits& limits);
Result<Picture> decode_bmp(std::span<const std::byte> bytes, const MediaLimits& limits);
Result<Picture> decode_tiff(std::span<const std::byte> bytes, const MediaLimits& limits);

// The limit on pixels, checked on a header's word before anything of that size is allocated. Sides must be positive and
// at most kMaxSide. Errors: media_corrupt, limit_exceeded.
inline constexpr std::int64_t kMaxSide = 1 << 20;
Status check_sides(std::int64_t width, std::int64_t height, const MediaLimits& limits);

// A picture of that size, all black. Requires check_sides().
Picture black_picture(int width, int height);

// 16 bits to 8, rounded to nearest: round(v * 255 / 65535) = round(v / 257).
inline std::uint8_t eight_of_sixteen(std::uint16_t v) {
  return static_cast<std::uint8_t>((v + 128u) / 257u);
}

// Ink (255 = full) to light, without a colour profile: (255 - ink) * (255 - black) / 255, rounded. What browsers
// without colour management and Pillow do.
inline std::uint8_t light_of_ink(unsigned ink, unsigned black) {
  return static_cast<std::uint8_t>(((255 - ink) * (255 - black) + 127) / 255);
}

}  // namespace dfa
