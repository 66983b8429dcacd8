// Against Pillow itself (tests/golden/preprocess/make_resample_golden.py): every byte.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "preprocess/crop.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

// The generator's picture_byte().
std::uint8_t picture_byte(std::uint32_t x, std::uint32_t y, std::uint32_t c) {
  const std::uint32_t noise = ((x * 2654435761u + y * 2246822519u + c * 3266489917u) * 668265263u) >> 24;
  const std::uint32_t slope = (3 * x + 5 * y + 70 * c) % 256;
  return static_cast<std::uint8_t>((x / 8 + y / 8) % 2 == 1 ? noise : slope);
}

// Rows with a gap behind them, filled with a value that must never be read.
struct GappedPicture {
  int width, height;
  std::vector<std::uint8_t> bytes;
  std::ptrdiff_t stride() const { return 3 * width + 5; }
  PictureView view() const { return {width, height, stride(), bytes.data()}; }
};

GappedPicture make_picture(int width, int height) {
  GappedPicture picture{width, height, {}};
  picture.bytes.assign(static_cast<std::size_t>(picture.stride() * height), 255);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        picture.bytes[static_cast<std::size_t>(y * picture.stride() + 3 * x + c)] =
            picture_byte(static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(c));
  return picture;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(ResizeAntialiased, EqualsPillowByteForByte) {
  const auto text = read_text_file(test::source_path("tests/golden/preprocess/resample.json"), 1 << 20);
  ASSERT_TRUE(text) << text.error().message;
  const auto golden = nlohmann::json::parse(*text);
  ASSERT_EQ(golden.at("cases").size(), 43u);
  for (const auto& c : golden.at("cases")) {
    const GappedPicture picture = make_picture(c.at("from").at(0), c.at("from").at(1));
    const auto resized =
        resize_antialiased(picture.view(), c.at("to").at(0), c.at("to").at(1), c.at("filter").get<std::string>());
    ASSERT_TRUE(resized) << resized.error().message;
    if (c.contains("bytes")) {
      EXPECT_EQ(hex(resized->rgb), c.at("bytes").get<std::string>()) << c.at("from") << c.at("to");
    }
    EXPECT_EQ(sha256_hex(std::as_bytes(std::span(resized->rgb))), c.at("sha256").get<std::string>())
        << c.at("filter") << c.at("from") << c.at("to");
  }
}

TEST(ResizeAntialiased, RefusesWhatItCannotDo) {
  const GappedPicture picture = make_picture(4, 4);
  const auto filter = resize_antialiased(picture.view(), 2, 2, "spline");
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().code, ErrorCode::usage);
  EXPECT_NE(filter.error().message.find("bilinear, bicubic"), std::string::npos);
  EXPECT_FALSE(resize_antialiased(picture.view(), 0, 2, "bilinear"));
  EXPECT_FALSE(resize_antialiased(PictureView{}, 2, 2, "bilinear"));
}

}  // namespace
}  // namespace dfa
