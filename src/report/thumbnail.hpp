// A small picture that a page carries in itself.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.hpp"

namespace dfa {

inline constexpr int kThumbnailSide = 112;  // px; of a longer side, the other in proportion
inline constexpr int kThumbnailQuality = 70;

// "data:image/jpeg;base64,...", about 4 kB. Errors: those of read_picture() and encode_jpeg().
Result<std::string> thumbnail_uri(const std::filesystem::path& picture);

// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

}  // namespace dfa
