// What a file is, by its first bytes and never by its name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.hpp"

namespace dfa {

enum class MediaKind { picture, video, unknown };

// `unknown` is never returned: it is there for records of files of which nothing could be told.
// Errors: file_not_found, file_unreadable (directories, devices), not_media (empty, text, HTML, archives, audio,
// anything else) and media_unsupported (HEIC, AVIF and other pictures that we do not decode), each saying what the
// bytes look like.
Result<MediaKind> sniff(const std::filesystem::path& path);

// The picture formats that decode_picture() knows.
enum class PictureFormat { none, jpeg, png, webp, bmp, tiff };
PictureFormat picture_format(std::span<const std::byte> head);

// The error for bytes that are neither picture nor video: not_media or media_unsupported, with what they look like in
// words.
Error not_media_error(std::span<const std::byte> head);

}  // namespace dfa
