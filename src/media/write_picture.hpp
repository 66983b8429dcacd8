// Pictures to PNG, JPEG and WebP: to a file or to memory, and through a lossy codec and back.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

// Lossless, 8-bit RGB, without notes: equal pixels give equal bytes. Errors: usage (no pixels), media_unsupported
// (sides that the format cannot hold), out_of_memory, internal (the codec refused); so do all below.
Result<std::vector<std::byte>> encode_png(const PictureView& picture);

// Baseline, chroma at half size both ways, the library's slow integer transform. quality: 1 to 100 on the scale of the
// Independent JPEG Group, which is that of OpenCV and Pillow. Errors: also usage (quality).
Result<std::vector<std::byte>> encode_jpeg(const PictureView& picture, int quality);

// Lossy, libwebp's default method. quality: 0 to 100. Errors: also usage (quality).
Result<std::vector<std::byte>> encode_webp(const PictureView& picture, int quality);

// Written beside the target and renamed. Errors: also file_unwritable.
Status write_picture_png(const std::filesystem::path& path, const PictureView& picture);

enum class LossyPicture { jpeg, webp };

// What is left of a picture after it went through the codec: same size. Equal pixels give equal pixels.
Result<Picture> reencode_picture(const PictureView& picture, LossyPicture codec, int quality);

}  // namespace dfa
