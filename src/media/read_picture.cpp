#include "media/read_picture.hpp"

#include <new>

#include "base/file.hpp"
#include "media/picture_codecs.hpp"
#include "media/sniff.hpp"

namespace dfa {

Status check_sides(std::int64_t width, std::int64_t height, const MediaLimits& limits) {
  if (width <= 0 || height <= 0 || width > kMaxSide || height > kMaxSide)
    return fail(ErrorCode::media_corrupt, "the header says {} x {} pixels, expected sides of 1 to {}", width, height,
                kMaxSide);
  if (limits.max_pixels > 0 && width * height > limits.max_pixels)
    return fail(ErrorCode::limit_exceeded, "{} x {} = {} pixels, the limit is {}", width, height, width * height,
                limits.max_pixels);
  return {};
}

Picture black_picture(int width, int height) {
  Picture picture;
  picture.width = width;
  picture.height = height;
  picture.rgb.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  return picture;
}

bool looks_like_picture(std::span<const std::byte> head) {
  return picture_format(head) != PictureFormat::none;
}

Result<Picture> decode_picture(std::span<const std::byte> bytes, const MediaLimits& limits) try {
  switch (picture_format(bytes)) {
    case PictureFormat::jpeg:
      return decode_jpeg(bytes, limits);
    case PictureFormat::png:
      return decode_png(bytes, limits);
    case PictureFormat::webp:
      return decode_webp(bytes, limits);
    case PictureFormat::bmp:
      return decode_bmp(bytes, limits);
    case PictureFormat::tiff:
      return decode_tiff(bytes, limits);
    case PictureFormat::none:
      break;
  }
  return tl::unexpected(not_media_error(bytes));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for the pixels of this picture");
}

Result<Picture> read_picture(const std::filesystem::path& path, const MediaLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path, limits.max_picture_bytes));
  return decode_picture(bytes, limits);
}

}  // namespace dfa
