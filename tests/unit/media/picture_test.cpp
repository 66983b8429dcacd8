// Pixels of every format against what went into the files (lossless) or what Pillow reads (lossy).
#include "media/read_picture.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
// jpeglib.h needs the above.
#include <jpeglib.h>

#include <array>
#include <set>

#include "support/shared.hpp"
#include "unit/media/pictures.hpp"

namespace dfa::test {
namespace {

TEST(Pictures, EveryFormDecodesToWhatWentIn) {
  ASSERT_GE(expected_pictures().size(), 50u);
  for (const ExpectedPicture& expected : expected_pictures()) {
    const auto picture = read_picture(picture_path(expected.name), MediaLimits{});
    ASSERT_TRUE(picture) << expected.name << ": " << picture.error().message;
    EXPECT_EQ(difference(*picture, expected.picture, expected.tolerance), "") << expected.name;
  }
}

TEST(Pictures, NoFormIsForgotten) {
  std::set<std::string> suffixes;
  for (const ExpectedPicture& expected : expected_pictures())
    suffixes.insert(std::filesystem::path(expected.name).extension().string());
  EXPECT_EQ(suffixes, (std::set<std::string>{".bmp", ".jpg", ".png", ".tif", ".webp"}));
}

TEST(Pictures, TheComparerSeesADifference) {
  const Picture& want = expected_picture("rgb.png").picture;
  Picture got = want;
  EXPECT_EQ(difference(got, want, 0), "");
  got.rgb[100] ^= 4;
  EXPECT_NE(difference(got, want, 3), "");
  EXPECT_EQ(difference(got, want, 4), "");
  got.width = 1;
  EXPECT_NE(difference(got, want, 255), "");
  EXPECT_NE(difference(Picture{}, Picture{}, 255), "");
}

// A one-colour JPEG of four inks, written by the library: Pillow writes neither YCCK nor files without Adobe's marker.
std::string ink_jpeg(std::array<int, 4> stored, J_COLOR_SPACE space, bool adobe_marker) {
  constexpr int kSide = 16;
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = info.image_height = kSide;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, space);
  info.write_Adobe_marker = adobe_marker ? TRUE : FALSE;
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::array<JSAMPLE, 4 * kSide> row{};
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<JSAMPLE>(stored[i % 4]);
  JSAMPROW rows = row.data();
  for (int y = 0; y < kSide; ++y) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

TEST(Pictures, InksWithAndWithoutAdobesComplement) {
  // Ink 10, 80, 160 over black 40: (255 - ink) * (255 - 40) / 255.
  constexpr std::array<int, 4> kInk = {10, 80, 160, 40}, kComplement = {245, 175, 95, 215};
  constexpr std::array<int, 3> kLight = {207, 148, 80};
  const struct {
    const char* name;
    std::string bytes;
  } files[] = {{"Adobe CMYK", ink_jpeg(kComplement, JCS_CMYK, true)},
               {"Adobe YCCK", ink_jpeg(kComplement, JCS_YCCK, true)},
               {"plain CMYK", ink_jpeg(kInk, JCS_CMYK, false)}};
  for (const auto& file : files) {
    const auto picture = decode(file.bytes);
    ASSERT_TRUE(picture) << file.name << ": " << picture.error().message;
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(picture->rgb[3 * 100 + c], kLight[c], 2) << file.name;
  }
}

TEST(Pictures, SamplesAreReadable) {
  DFA_REQUIRE_SHARED();
  const struct {
    const char* name;
    int width, height;
  } samples[] = {{"astronaut.png", 512, 512}, {"grace_hopper.jpg", 512, 600}, {"rocket.jpg", 640, 427}};
  for (const auto& sample : samples) {
    const auto picture = read_picture(shared_path("data/samples") / sample.name, MediaLimits{});
    ASSERT_TRUE(picture) << picture.error().message;
    EXPECT_EQ(picture->width, sample.width);
    EXPECT_EQ(picture->height, sample.height);
  }
}

}  // namespace
}  // namespace dfa::test
