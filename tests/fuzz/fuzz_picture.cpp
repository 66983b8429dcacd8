// Any bytes as a picture: a picture whose size fits its pixels, or an error with words. Seeds: seeds/picture.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "media/read_picture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dfa::MediaLimits limits;
  limits.max_pixels = 1 << 16;  // more would spend the time on pixels instead of on headers
  const auto picture = dfa::decode_picture(std::as_bytes(std::span(data, size)), limits);
  if (!picture) {
    if (picture.error().message.empty()) std::abort();
    return 0;
  }
  const auto pixels = static_cast<std::size_t>(picture->width) * static_cast<std::size_t>(picture->height);
  if (pixels == 0 || pixels > (1u << 16) || picture->rgb.size() != 3 * pixels) std::abort();
  return 0;
}
