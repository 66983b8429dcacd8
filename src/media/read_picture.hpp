// Still pictures: JPEG, PNG, WebP, BMP, TIFF; EXIF orientation applied, 16 bits reduced to 8 by rounding, gray spread
// to three channels, alpha left out (the colour under it is what a camera or editor stored), CMYK converted.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.hpp"
#include "media/limits.hpp"
#include "media/picture.hpp"

namespace dfa {

// Whether the first bytes are those of a picture format we know (nothing is said about the rest).
bool looks_like_picture(std::span<const std::byte> head);

// Errors: not_media, media_truncated, media_corrupt, media_unsupported, limit_exceeded (checked on the header, before
// pixels are decoded), each with the reason in words.
Result<Picture> decode_picture(std::span<const std::byte> bytes, const MediaLimits& limits);
Result<Picture> read_picture(const std::filesystem::path& path, const MediaLimits& limits);

}  // namespace dfa
