#include "face/mtcnn_windows.hpp"

#include <gtest/gtest.h>

#include <array>

namespace dfa {
namespace {

FloatWindow window(float x1, float y1, float x2, float y2, float score = 0.9f) {
  return {x1, y1, x2, y2, score, {}, {}};
}

TEST(MtcnnWindows, PyramidEndsWithTwelvePixels) {
  std::vector<PyramidLevel> levels;
  plan_pyramid(640, 480, 40, levels);
  ASSERT_EQ(levels.size(), 8u);
  EXPECT_EQ(levels[0].size.width, 193);  // int(640 * 0.3 + 1)
  EXPECT_EQ(levels[0].size.height, 145);
  plan_pyramid(640, 39, 40, levels);
  EXPECT_TRUE(levels.empty());
  plan_pyramid(640, 40, 40, levels);
  EXPECT_EQ(levels.size(), 1u);
}

// 0.3 as f32 is a little above 0.3: 15 / 0.3 is 50 in doubles, and just below it here.
TEST(MtcnnWindows, CornersAreDividedInSinglePrecision) {
  const FloatWindow w = window_of({40, 7, 0.8f, {0.1f, 0, 0, 0}}, 0.3);
  EXPECT_EQ(w.x1, 270.0f);  // 81 / 0.3
  EXPECT_EQ(w.y1, 49.0f);   // 15 / 0.3
  EXPECT_EQ(w.x2, 306.0f);  // 92 / 0.3
  EXPECT_EQ(w.y2, 86.0f);   // 26 / 0.3
  EXPECT_EQ(w.score, 0.8f);
  EXPECT_EQ(w.correction[0], 0.1f);
}

std::vector<float> scores_left(std::vector<FloatWindow> windows, Overlap overlap, double limit) {
  SuppressScratch scratch;
  suppress(windows, overlap, limit, scratch);
  std::vector<float> scores;
  for (const FloatWindow& w : windows) scores.push_back(w.score);
  return scores;
}

TEST(MtcnnWindows, SuppressionKeepsAnOverlapOfExactlyTheLimit) {
  // 2 of 4 columns shared by boxes of 3: union 4, overlap exactly one half.
  const FloatWindow a = window(0, 0, 3, 1, 0.9f), b = window(1, 0, 4, 1, 0.8f);
  EXPECT_EQ(scores_left({b, a}, Overlap::of_union, 0.5), (std::vector<float>{0.9f, 0.8f}));
  EXPECT_EQ(scores_left({b, a}, Overlap::of_union, 0.49), (std::vector<float>{0.9f}));
}

TEST(MtcnnWindows, SuppressionLooksAtKeptWindowsOnly) {
  // b falls to a, so that c, which overlaps b alone, stays.
  const FloatWindow a = window(0, 0, 10, 10, 0.9f), b = window(3, 0, 13, 10, 0.8f), c = window(6, 0, 16, 10, 0.7f);
  EXPECT_EQ(scores_left({a, b, c}, Overlap::of_union, 0.5), (std::vector<float>{0.9f, 0.7f}));
}

TEST(MtcnnWindows, SmallerAreaFindsNestedWindows) {
  const FloatWindow large = window(0, 0, 99, 99, 0.9f), inside = window(40, 40, 59, 59, 0.95f);
  EXPECT_EQ(scores_left({large, inside}, Overlap::of_union, 0.7).size(), 2u);
  EXPECT_EQ(scores_left({large, inside}, Overlap::of_smaller_plus1, 0.7), (std::vector<float>{0.95f}));
}

TEST(MtcnnWindows, EqualScoresKeepThePackagesOrder) {
  std::vector<FloatWindow> same = {window(0, 0, 10, 10), window(1, 0, 11, 10)};
  SuppressScratch scratch;
  std::vector<FloatWindow> by_union = same;
  suppress(by_union, Overlap::of_union, 0.5, scratch);
  ASSERT_EQ(by_union.size(), 1u);
  EXPECT_EQ(by_union[0].x1, 0.0f);
  suppress(same, Overlap::of_smaller_plus1, 0.5, scratch);
  ASSERT_EQ(same.size(), 1u);
  EXPECT_EQ(same[0].x1, 1.0f);
}

TEST(MtcnnWindows, CorrectionsAreInWindowSizes) {
  FloatWindow w = window(10, 20, 30, 60);
  w.correction[0] = 0.5f, w.correction[3] = -0.25f;
  FloatWindow wider = w;
  apply_correction(w, Extent::plain);
  EXPECT_EQ(w.x1, 20.0f);
  EXPECT_EQ(w.y2, 50.0f);
  apply_correction(wider, Extent::plus1);
  EXPECT_EQ(wider.x1, 20.5f);
  EXPECT_EQ(wider.y2, 49.75f);
}

TEST(MtcnnWindows, SquaresKeepTheirCentre) {
  FloatWindow w = window(10, 20, 30, 60);
  make_square(w);
  EXPECT_EQ(w.x1, 0.0f);
  EXPECT_EQ(w.x2, 40.0f);
  EXPECT_EQ(w.y1, 20.0f);
  EXPECT_EQ(w.y2, 60.0f);
}

TEST(MtcnnWindows, PixelsAreCutToThePicture) {
  const auto pixels = [](FloatWindow w) {
    const mtcnn::Region r = pixels_of(w, 100, 80);
    return std::array<int, 4>{r.x, r.y, r.width, r.height};
  };
  EXPECT_EQ(pixels(window(10.9f, 5.2f, 20.9f, 15)), (std::array<int, 4>{9, 4, 11, 11}));
  EXPECT_EQ(pixels(window(-7.5f, -0.5f, 20, 15)), (std::array<int, 4>{0, 0, 20, 15}));
  EXPECT_EQ(pixels(window(90, 70, 130, 110)), (std::array<int, 4>{89, 69, 11, 11}));
  EXPECT_EQ(pixels(window(150, 10, 190, 50))[2], 0);
  EXPECT_EQ(pixels(window(-50, 10, -10, 50))[2], 0);
  const float huge = 3e38f;
  EXPECT_EQ(pixels(window(-huge, -huge, huge, huge)), (std::array<int, 4>{0, 0, 100, 80}));
}

}  // namespace
}  // namespace dfa
