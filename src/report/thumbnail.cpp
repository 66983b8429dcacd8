#include "report/thumbnail.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "media/read_picture.hpp"
#include "media/write_picture.hpp"
#include "preprocess/crop.hpp"

namespace dfa {

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Result<std::string> thumbnail_uri(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const Picture picture, read_picture(path, MediaLimits{}));
  const double scale = static_cast<double>(kThumbnailSide) / std::max(picture.width, picture.height);
  const auto side = [&](int px) { return std::max(1, static_cast<int>(std::lround(px * scale))); };
  DFA_ASSIGN_OR_RETURN(const Picture small,
                       resize_antialiased(picture.view(), side(picture.width), side(picture.height), "bilinear"));
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> jpeg, encode_jpeg(small.view(), kThumbnailQuality));
  return "data:image/jpeg;base64," + base64(jpeg);
}

}  // namespace dfa
