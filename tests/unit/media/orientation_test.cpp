#include "media/orientation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "media/exif.hpp"

namespace dfa {
namespace {

// 3 x 2, one letter a pixel.
Picture letters(const char* text, int width, int height) {
  Picture picture;
  picture.width = width;
  picture.height = height;
  for (const char* c = text; *c != 0; ++c) picture.rgb.insert(picture.rgb.end(), 3, static_cast<std::uint8_t>(*c));
  return picture;
}

std::string text_of(const Picture& picture) {
  std::string text;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) text += static_cast<char>(picture.rgb[i]);
  return text;
}

//  ABC
//  DEF  and what a viewer shows for each value of the tag, drawn by hand from the standard's table.
TEST(Orientation, AllEight) {
  const std::array<const char*, 9> shown = {"",       "ABCDEF", "CBAFED", "FEDCBA", "DEFABC",
                                            "ADBECF", "DAEBFC", "FCEBDA", "CFBEAD"};
  for (int tag = 1; tag <= 8; ++tag) {
    const Orientation orientation = orientation_from_tag(tag);
    const Picture upright = turned_upright(letters("ABCDEF", 3, 2), orientation);
    EXPECT_EQ(text_of(upright), shown[static_cast<std::size_t>(tag)]) << tag;
    EXPECT_EQ(upright.width, tag >= 5 ? 2 : 3) << tag;
    EXPECT_EQ(upright.height, tag >= 5 ? 3 : 2) << tag;
    EXPECT_EQ(swaps_sides(orientation), tag >= 5);
  }
}

TEST(Orientation, RowsWithGaps) {
  // Two rows of two pixels, ten bytes apart.
  std::array<std::uint8_t, 20> bytes{};
  bytes[0] = 'A', bytes[3] = 'B', bytes[10] = 'C', bytes[13] = 'D';
  const PictureView view{2, 2, 10, bytes.data()};
  const Picture turned = turned_upright(view, Orientation::quarter_right);
  EXPECT_EQ(turned.rgb[0], 'C');
  EXPECT_EQ(turned.rgb[3], 'A');
  EXPECT_EQ(turned.rgb[6], 'D');
  EXPECT_EQ(turned.rgb[9], 'B');
}

TEST(Orientation, OtherValuesAreUpright) {
  for (const int tag : {-1, 0, 9, 65535}) EXPECT_EQ(orientation_from_tag(tag), Orientation::upright);
}

std::string exif_block(bool big_endian, int tag, int type, int value) {
  const auto u16 = [&](int v) {
    const char high = static_cast<char>(v >> 8), low = static_cast<char>(v);
    return big_endian ? std::string{high, low} : std::string{low, high};
  };
  const auto u32 = [&](int v) { return big_endian ? u16(0) + u16(v) : u16(v) + u16(0); };
  return (big_endian ? "MM" : "II") + u16(42) + u32(8) + u16(1) + u16(tag) + u16(type) + u32(1) + u16(value) + u16(0) +
         u32(0);
}

Orientation read(const std::string& block) {
  return exif_orientation(std::as_bytes(std::span(block)));
}

TEST(Exif, BothByteOrders) {
  for (int value = 1; value <= 8; ++value)
    for (const bool big_endian : {false, true}) {
      EXPECT_EQ(read(exif_block(big_endian, 0x112, 3, value)), orientation_from_tag(value));
      EXPECT_EQ(read(std::string("Exif\0\0", 6) + exif_block(big_endian, 0x112, 3, value)),
                orientation_from_tag(value));
    }
}

TEST(Exif, DamageMeansUpright) {
  const std::string block = exif_block(true, 0x112, 3, 6);
  for (std::size_t length = 0; length < 20; ++length)
    EXPECT_EQ(read(block.substr(0, length)), Orientation::upright) << length;
  EXPECT_EQ(read(exif_block(true, 0x113, 3, 6)), Orientation::upright);
  EXPECT_EQ(read(exif_block(true, 0x112, 4, 6)), Orientation::upright);
  EXPECT_EQ(read(exif_block(true, 0x112, 3, 77)), Orientation::upright);
  std::string far = block;
  far[4] = '\x7f';  // the directory lies beyond the block
  EXPECT_EQ(read(far), Orientation::upright);
  std::string many = block;
  many[8] = '\xff', many[9] = '\xff', many[11] = '\x13';  // 65535 entries, of which one is there
  EXPECT_EQ(read(many), Orientation::upright);
}

}  // namespace
}  // namespace dfa
