#include "doctor/look_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"

namespace dfa {
namespace {

// Blocks of random grey: structure at the scale of the cells.
Picture blocks(std::uint64_t seed, int width = 96, int height = 72) {
  RngStream rng(seed, "look-hash-test");
  Picture picture{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height))};
  constexpr int kBlocks = 12;
  std::vector<std::uint8_t> greys(kBlocks * kBlocks);
  for (auto& grey : greys) grey = static_cast<std::uint8_t>(rng.below(256));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        picture.rgb[static_cast<std::size_t>(3 * (y * width + x) + c)] =
            greys[static_cast<std::size_t>(y * kBlocks / height * kBlocks + x * kBlocks / width)];
  return picture;
}

TEST(LookHash, SurvivesScaleBrightnessAndNoise) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Picture picture = blocks(seed);
    Picture larger = blocks(seed, 160, 120);
    RngStream rng(seed, "noise");
    for (auto& value : larger.rgb)
      value = static_cast<std::uint8_t>(std::clamp(0.9 * value + 8 + 4 * rng.normal(), 0.0, 255.0));
    const auto a = look_hash(picture.view()), b = look_hash(larger.view());
    ASSERT_TRUE(a && b);
    EXPECT_LE(look_distance(*a, *b), kNearBits) << seed;
  }
}

TEST(LookHash, TellsOthersApart) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto a = look_hash(blocks(seed).view()), b = look_hash(blocks(seed + 100).view());
    ASSERT_TRUE(a && b);
    EXPECT_GT(look_distance(*a, *b), 3 * kNearBits) << seed;
  }
}

TEST(LookHash, MirroredIsAnother) {
  const Picture picture = blocks(1);
  Picture mirrored = picture;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const std::size_t width = static_cast<std::size_t>(picture.width), pixel = i / 3;
    const std::size_t other = pixel / width * width + (width - 1 - pixel % width);
    for (std::size_t c = 0; c < 3; ++c) mirrored.rgb[i + c] = picture.rgb[3 * other + c];
  }
  EXPECT_GT(look_distance(*look_hash(picture.view()), *look_hash(mirrored.view())), 3 * kNearBits);
}

TEST(LookHash, FlatAndTinyPicturesHaveNone) {
  Picture flat{64, 64, std::vector<std::uint8_t>(3 * 64 * 64, 100)};
  EXPECT_FALSE(look_hash(flat.view()));
  flat.rgb[0] = 255;
  EXPECT_FALSE(look_hash(flat.view()));
  EXPECT_FALSE(look_hash(blocks(1, 12, 12).view()));
}

TEST(LookHash, LooksOfDifferentLengthAreNotCompared) {
  const LookHash hash{1, 2};
  EXPECT_FALSE(look_distance(Look{hash}, Look{hash, hash}));
  EXPECT_FALSE(look_distance(Look{}, Look{}));
  EXPECT_EQ(look_distance(Look{hash, hash}, Look{hash, LookHash{1, 1}}), 1.0);
}

}  // namespace
}  // namespace dfa
