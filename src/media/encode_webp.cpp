// WebP through libwebp, in memory.
#include <webp/encode.h>

#include <memory>

#include "media/picture_encoding.hpp"
#include "media/write_picture.hpp"

namespace dfa {

Result<std::vector<std::byte>> encode_webp(const PictureView& picture, int quality) {
  constexpr int kBestQuality = 100;
  if (quality < 0 || quality > kBestQuality)
    return fail(ErrorCode::usage, "WebP quality {}, expected 0 to {}", quality, kBestQuality);
  DFA_TRY(check_encodable(picture, WEBP_MAX_DIMENSION, "WebP"));
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeRGB(picture.rgb, picture.width, picture.height, static_cast<int>(picture.stride),
                                         static_cast<float>(quality), &bytes);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owned(bytes, WebPFree);
  if (size == 0)
    return fail(ErrorCode::internal, "WebP of a {}x{} picture at quality {}: libwebp refused", picture.width,
                picture.height, quality);
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  return std::vector<std::byte>(first, first + size);
}

}  // namespace dfa
