#include "media/write_picture.hpp"

#include <string_view>

#include "base/file.hpp"
#include "media/picture_encoding.hpp"
#include "media/read_picture.hpp"

namespace dfa {

Status check_encodable(const PictureView& picture, int most_pixels_a_side, std::string_view format) {
  if (picture.width < 1 || picture.height < 1)
    return fail(ErrorCode::usage, "a picture of {}x{} cannot be written as {}, expected at least 1x1", picture.width,
                picture.height, format);
  if (picture.width > most_pixels_a_side || picture.height > most_pixels_a_side)
    return fail(ErrorCode::media_unsupported, "a picture of {}x{} cannot be written as {}: its sides end at {}",
                picture.width, picture.height, format, most_pixels_a_side);
  return {};
}

Status write_picture_png(const std::filesystem::path& path, const PictureView& picture) {
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, encode_png(picture));
  return write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Picture> reencode_picture(const PictureView& picture, LossyPicture codec, int quality) {
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                       codec == LossyPicture::jpeg ? encode_jpeg(picture, quality) : encode_webp(picture, quality));
  // Our own bytes: their size is that of a picture we already hold.
  MediaLimits limits;
  limits.max_pixels = 0;
  return decode_picture(bytes, limits);
}

}  // namespace dfa
