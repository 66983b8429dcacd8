// WebP through libwebp: lossy and lossless stills. Alpha is left out.
#include <webp/decode.h>

#include <cstring>

#include "media/exif.hpp"
#include "media/picture_codecs.hpp"

namespace dfa {
namespace {

std::uint32_t u32_little(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return value;
}

// Walks the RIFF chunks to "EXIF".
Orientation orientation_of(std::span<const std::byte> bytes) {
  constexpr std::size_t kRiffHeader = 12, kChunkHeader = 8;
  for (std::size_t at = kRiffHeader; at + kChunkHeader <= bytes.size();) {
    const std::size_t size = u32_little(bytes, at + 4), left = bytes.size() - at - kChunkHeader;
    if (size > left) break;
    if (std::memcmp(bytes.data() + at, "EXIF", 4) == 0) return exif_orientation(bytes.subspan(at + kChunkHeader, size));
    at += kChunkHeader + size + (size & 1);
  }
  return Orientation::upright;
}

// Requires: at least 12 bytes that start with "RIFF".
bool ends_early(std::span<const std::byte> bytes) {
  return std::uint64_t{u32_little(bytes, 4)} + 8 > bytes.size();
}

tl::unexpected<Error> failure_of(VP8StatusCode status, std::span<const std::byte> bytes) {
  if (status == VP8_STATUS_OUT_OF_MEMORY) return fail(ErrorCode::out_of_memory, "WebP: no memory for the pixels");
  if (status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED || ends_early(bytes))
    return fail(ErrorCode::media_truncated, "WebP is truncated: {} bytes, its header says {}", bytes.size(),
                std::uint64_t{u32_little(bytes, 4)} + 8);
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE)
    return fail(ErrorCode::media_unsupported, "WebP of a kind that is not decoded; save it as PNG");
  return fail(ErrorCode::media_corrupt, "WebP is damaged (decoder status {})", static_cast<int>(status));
}

}  // namespace

Result<Picture> decode_webp(std::span<const std::byte> bytes, const MediaLimits& limits) {
  if (bytes.size() < 12) return fail(ErrorCode::media_truncated, "WebP is truncated: {} bytes", bytes.size());
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (const auto status = WebPGetFeatures(data, bytes.size(), &features); status != VP8_STATUS_OK)
    return failure_of(status, bytes);
  if (features.has_animation)
    return fail(ErrorCode::media_unsupported, "WebP animation, expected a still picture; convert it to a video");
  DFA_TRY(check_sides(features.width, features.height, limits));
  if (ends_early(bytes)) return failure_of(VP8_STATUS_NOT_ENOUGH_DATA, bytes);

  Picture picture = black_picture(features.width, features.height);
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    return fail(ErrorCode::internal, "libwebp is of another version than its headers");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {picture.rgb.data(), 3 * picture.width, picture.rgb.size()};
  if (const auto status = WebPDecode(data, bytes.size(), &config); status != VP8_STATUS_OK)
    return failure_of(status, bytes);
  return turned_upright(std::move(picture), orientation_of(bytes));
}

}  // namespace dfa
