#include "media/write_picture.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "media/read_picture.hpp"

namespace dfa {
namespace {

Picture noise(int width, int height) {
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  RngStream rng(7, "png");
  for (std::uint8_t& value : picture.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return picture;
}

TEST(WritePng, WhatIsReadBackIsWhatWasWritten) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{7, 3}, std::pair{256, 256}}) {
    const Picture picture = noise(width, height);
    for (const PngEffort effort : {PngEffort::small, PngEffort::fast}) {
      const auto bytes = encode_png(picture.view(), PngColour::rgb, effort);
      ASSERT_TRUE(bytes) << bytes.error().message;
      const auto back = decode_picture(*bytes, {});
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->width, width);
      EXPECT_EQ(back->rgb, picture.rgb);
      EXPECT_EQ(*encode_png(picture.view(), PngColour::rgb, effort), *bytes);
    }
  }
}

TEST(WritePng, RowsMayLieApart) {
  const Picture picture = noise(9, 4);
  const PictureView part{5, 4, 27, picture.rgb.data() + 6};
  const auto back = decode_picture(*encode_png(part), {});
  ASSERT_TRUE(back);
  for (int y = 0; y < 4; ++y)
    EXPECT_TRUE(std::equal(part.row(y), part.row(y) + 15, back->view().row(y))) << "row " << y;
}

TEST(WritePng, GreyKeepsTheFirstChannel) {
  const Picture picture = noise(5, 6);
  for (const PngEffort effort : {PngEffort::small, PngEffort::fast}) {
    const auto back = decode_picture(*encode_png(picture.view(), PngColour::grey, effort), {});
    ASSERT_TRUE(back);
    for (std::size_t i = 0; i < back->rgb.size(); ++i) EXPECT_EQ(back->rgb[i], picture.rgb[i / 3 * 3]);
  }
}

TEST(WritePng, RefusesAnEmptyPicture) {
  const auto bytes = encode_png(PictureView{});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
