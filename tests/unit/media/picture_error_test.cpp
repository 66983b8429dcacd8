// Pictures that are cut, damaged, too large or none: an error with its reason, never a grey half.
#include <gmock/gmock.h>

#include "media/read_picture.hpp"
#include "support/temp_dir.hpp"
#include "unit/media/pictures.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Where the file's own last bytes carry no pixels and no promise, losing them is not noticed.
std::size_t bytes_that_matter(const std::string& name, const std::string& bytes) {
  // A TIFF of ours that was written by hand ends with its directory; Pillow's are padded.
  return name.ends_with(".tif") ? bytes.size() - bytes.size() / 8 : bytes.size();
}

TEST(TruncatedPictures, EveryFormAtEveryLength) {
  for (const ExpectedPicture& expected : expected_pictures()) {
    const std::string bytes = picture_bytes(expected.name);
    const std::size_t end = bytes_that_matter(expected.name, bytes);
    for (std::size_t length = 32; length < end; length += length + 40 < end ? 29 : 1) {
      const auto picture = decode(bytes.substr(0, length));
      ASSERT_FALSE(picture) << expected.name << " cut to " << length << " of " << bytes.size();
      const ErrorCode code = picture.error().code;
      // A directory that is cut makes a TIFF unreadable in ways that only libtiff knows.
      const bool named =
          code == ErrorCode::media_truncated || (expected.name.ends_with(".tif") && code == ErrorCode::media_corrupt);
      ASSERT_TRUE(named) << expected.name << " cut to " << length << " of " << bytes.size() << ": "
                         << picture.error().message;
    }
  }
}

TEST(TruncatedPictures, PixelsBehindTheDirectoryOfATiff) {
  const std::string bytes = picture_bytes("directory_first.tif");
  constexpr std::size_t kPixels = 24 * 16 * 3;
  for (std::size_t length = bytes.size() - kPixels; length < bytes.size(); length += 17) {
    const auto picture = decode(bytes.substr(0, length));
    ASSERT_FALSE(picture) << length;
    EXPECT_EQ(picture.error().code, ErrorCode::media_truncated) << picture.error().message;
  }
  EXPECT_THAT(decode(bytes.substr(0, bytes.size() - 1)).error().message, HasSubstr("strip 4 of 4"));
}

TEST(TruncatedPictures, TheMessageSaysSo) {
  const std::string jpeg = picture_bytes("baseline.jpg"), png = picture_bytes("rgb.png");
  EXPECT_THAT(decode(jpeg.substr(0, jpeg.size() / 2)).error().message, HasSubstr("JPEG is truncated"));
  EXPECT_THAT(decode(jpeg.substr(0, jpeg.size() - 2)).error().message, HasSubstr("end-of-image marker"));
  EXPECT_THAT(decode(png.substr(0, png.size() - 12)).error().message, HasSubstr("before the IEND chunk"));
}

TEST(DamagedPictures, AreNotPatched) {
  std::string png = picture_bytes("rgb.png");
  png[png.size() / 2] ^= 1;  // inside the compressed data: its checksum no longer holds
  EXPECT_EQ(decode(png).error().code, ErrorCode::media_corrupt);

  std::string jpeg = picture_bytes("baseline.jpg");
  const std::size_t scan = jpeg.rfind("\xff\xda");
  jpeg[scan + 40] = '\xff', jpeg[scan + 41] = '\xd5';  // a restart marker where none belongs
  const auto picture = decode(jpeg);
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::media_corrupt) << picture.error().message;
}

// Every byte flipped in turn: a picture or an error, nothing else. (The sanitizer build looks at what "nothing else"
// means.)
TEST(DamagedPictures, AnyByte) {
  for (const ExpectedPicture& expected : expected_pictures()) {
    const std::string bytes = picture_bytes(expected.name);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      std::string hit = bytes;
      hit[i] = static_cast<char>(~hit[i]);
      MediaLimits limits;
      limits.max_pixels = 1 << 16;
      const auto picture = decode_picture(std::as_bytes(std::span(hit)), limits);
      if (picture)
        EXPECT_EQ(picture->rgb.size(),
                  3u * static_cast<std::size_t>(picture->width) * static_cast<std::size_t>(picture->height));
      else
        EXPECT_THAT(picture.error().message, Not(IsEmpty())) << expected.name;
    }
  }
}

TEST(LargePictures, AreRefusedByTheirHeader) {
  MediaLimits limits;
  limits.max_pixels = 24 * 16 - 1;
  for (const ExpectedPicture& expected : expected_pictures()) {
    const std::string bytes = picture_bytes(expected.name);
    const auto picture = decode_picture(std::as_bytes(std::span(bytes)), limits);
    ASSERT_FALSE(picture) << expected.name;
    EXPECT_EQ(picture.error().code, ErrorCode::limit_exceeded) << expected.name << ": " << picture.error().message;
    EXPECT_THAT(picture.error().message, HasSubstr("384 pixels, the limit is 383"));
  }
  limits.max_pixels = 24 * 16;
  for (const ExpectedPicture& expected : expected_pictures()) {
    const std::string bytes = picture_bytes(expected.name);
    EXPECT_TRUE(decode_picture(std::as_bytes(std::span(bytes)), limits)) << expected.name;
  }
}

// A header that promises 100,000 x 100,000 must not be believed with memory.
TEST(LargePictures, PromisesAreNotAllocated) {
  std::string png = picture_bytes("rgb.png");
  for (const std::size_t at : {16u, 20u}) png.replace(at, 4, std::string("\x00\x01\x86\xa0", 4));
  const auto picture = decode(png);
  ASSERT_FALSE(picture);
  EXPECT_NE(picture.error().code, ErrorCode::out_of_memory);
}

TEST(LargePictures, BytesHaveALimitToo) {
  MediaLimits limits;
  limits.max_picture_bytes = 100;
  const auto picture = read_picture(picture_path("rgb.png"), limits);
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::limit_exceeded);
}

TEST(OtherFiles, AreNamed) {
  const auto message = [](std::string_view bytes, ErrorCode code) {
    const auto picture = decode(bytes);
    EXPECT_FALSE(picture);
    if (picture) return std::string();
    EXPECT_EQ(picture.error().code, code) << picture.error().message;
    return picture.error().message;
  };
  EXPECT_THAT(message("", ErrorCode::not_media), HasSubstr("empty"));
  EXPECT_THAT(message("just some words\n", ErrorCode::not_media), HasSubstr("looks like text"));
  EXPECT_THAT(message("  <!DOCTYPE html><html><body>404</body></html>", ErrorCode::not_media), HasSubstr("HTML text"));
  EXPECT_THAT(message("%PDF-1.7", ErrorCode::not_media), HasSubstr("PDF"));
  EXPECT_THAT(message(picture_bytes("animated.webp"), ErrorCode::media_unsupported), HasSubstr("animation"));
  EXPECT_THAT(message({"\0\0\0\x18"
                       "ftypheic\0\0\0\0",
                       16},
                      ErrorCode::media_unsupported),
              HasSubstr("HEIC"));
}

TEST(OtherFiles, OnDisk) {
  const TempDir folder;
  write_bytes(folder / "empty.png", "");
  EXPECT_EQ(read_picture(folder / "empty.png", MediaLimits{}).error().code, ErrorCode::not_media);
  EXPECT_EQ(read_picture(folder.path(), MediaLimits{}).error().code, ErrorCode::file_unreadable);
  EXPECT_EQ(read_picture(folder / "absent.png", MediaLimits{}).error().code, ErrorCode::file_not_found);
}

}  // namespace
}  // namespace dfa::test
