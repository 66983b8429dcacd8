// YUV to RGB by tags: bars of known colour, stored without loss under each matrix and range.
#include <gtest/gtest.h>

#include <array>

#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

// The generator's COLOURS.
constexpr std::array<std::array<int, 3>, 4> kBars = {{{200, 40, 40}, {40, 200, 40}, {40, 40, 200}, {224, 172, 140}}};

class Colour : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Media, Colour,
                         testing::Values("bt601_limited_untagged", "bt601_full", "bt709_limited", "bt709_full",
                                         "bt2020nc_limited"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(Colour, IsTheOneThatWentIn) {
  const auto reader = open_clip(fmt::format("colour_{}.mkv", GetParam()));
  ASSERT_NE(reader, nullptr);
  const auto frames = read_all(*reader, every());
  ASSERT_EQ(frames.size(), 1u);
  // Y, Cb and Cr were each rounded by up to 0.5 of 219 or 224 steps; Cb enters blue with a factor of up to 1.88 *
  // 255/224: 1.1 + 0.6, and the conversion rounds once more.
  constexpr int kTolerance = 3;
  for (int bar = 0; bar < 4; ++bar) {
    const std::uint8_t* pixel = frames[0].picture.view().row(24) + 3 * (16 * bar + 8);
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(pixel[c], kBars[static_cast<std::size_t>(bar)][c], kTolerance) << "bar " << bar;
  }
}

}  // namespace
}  // namespace dfa::test
