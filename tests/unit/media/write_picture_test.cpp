#include "media/write_picture.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <string>

#include "base/rng.hpp"
#include "media/read_picture.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

Picture noise(int width, int height) {
  RngStream stream(1, "noise");
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  for (std::uint8_t& byte : picture.rgb) byte = static_cast<std::uint8_t>(stream.below(256));
  return picture;
}

// The left part of a wider picture: rows with gaps between them.
PictureView left_part(const Picture& picture, int width) {
  return {width, picture.height, picture.view().stride, picture.rgb.data()};
}

double mean_difference(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

TEST(WritePicture, PngComesBackAsItWas) {
  const TempDir folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {17, 9}, {64, 33}}) {
    const Picture wide = noise(width + 5, height);
    const PictureView view = left_part(wide, width);
    ASSERT_TRUE(write_picture_png(folder / "p.png", view));
    const auto back = read_picture(folder / "p.png", MediaLimits{});
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->width, width);
    ASSERT_EQ(back->height, height);
    for (int y = 0; y < height; ++y) EXPECT_TRUE(std::equal(view.row(y), view.row(y) + 3 * width, back->view().row(y)));
  }
}

TEST(WritePicture, PngBytesDependOnThePixelsAlone) {
  const Picture picture = noise(31, 20);
  EXPECT_EQ(*encode_png(picture.view()), *encode_png(noise(31, 20).view()));
}

TEST(WritePicture, LossyCodecsKeepSizeAndLoseLessAtHigherQuality) {
  const auto portrait = read_picture(source_path("samples/astronaut.png"), MediaLimits{});
  ASSERT_TRUE(portrait);
  for (const LossyPicture codec : {LossyPicture::jpeg, LossyPicture::webp}) {
    const auto good = reencode_picture(portrait->view(), codec, 95),
               bad = reencode_picture(portrait->view(), codec, 20);
    ASSERT_TRUE(good && bad);
    ASSERT_EQ(good->rgb.size(), portrait->rgb.size());
    EXPECT_LT(mean_difference(*good, *portrait), 3);
    EXPECT_GT(mean_difference(*bad, *portrait), 1.5 * mean_difference(*good, *portrait));
    for (const auto& [width, height] : {std::pair{1, 1}, {17, 9}}) {
      const Picture odd = noise(width, height);
      const auto back = reencode_picture(odd.view(), codec, 80);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->rgb.size(), odd.rgb.size());
    }
  }
}

TEST(WritePicture, RefusesQualitiesAndSizesByName) {
  const Picture picture = noise(4, 4);
  for (const int quality : {0, 101})
    EXPECT_THAT(encode_jpeg(picture.view(), quality).error().message, HasSubstr("expected 1 to 100"));
  for (const int quality : {-1, 101})
    EXPECT_THAT(encode_webp(picture.view(), quality).error().message, HasSubstr("expected 0 to 100"));
  EXPECT_EQ(encode_png(Picture{}.view()).error().code, ErrorCode::usage);
  const Picture long_one = noise(20000, 1);
  EXPECT_EQ(encode_webp(long_one.view(), 80).error().code, ErrorCode::media_unsupported);
  EXPECT_TRUE(encode_jpeg(long_one.view(), 80));
}

TEST(WritePicture, WritesNothingWhereItMayNot) {
  const TempDir folder;
  EXPECT_EQ(write_picture_png(folder / "none/p.png", noise(4, 4).view()).error().code, ErrorCode::file_unwritable);
}

}  // namespace
}  // namespace dfa::test
