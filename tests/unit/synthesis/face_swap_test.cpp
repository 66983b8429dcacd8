#include "synthesis/face_swap.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sample_faces.hpp"

namespace dfa {
namespace {

using test::differences;
using test::sample_face;

bool is_within(const Mask& inner, const Mask& outer) {
  for (std::size_t i = 0; i < inner.value.size(); ++i)
    if (inner.value[i] > 0 && outer.value[i] == 0) return false;
  return true;
}

TEST(FaceSwap, ReplacesTheFaceAndNothingElse) {
  const FaceSource target = sample_face("astronaut.png"), source = sample_face("grace_hopper.jpg");
  const BlendedPair pair = face_swap(target, source).value();
  EXPECT_EQ(pair.real.rgb, target.picture.rgb);
  const Mask hull = hull_mask(target.landmarks, Hull::filled, 512, 512).value();
  EXPECT_TRUE(is_within(pair.mask, hull));
  const auto found = differences(pair.real, pair.fake, pair.mask);
  EXPECT_EQ(found.outside, 0);
  EXPECT_GT(found.inside, 5000);
  const Point nose = target.landmarks.points[30];
  EXPECT_EQ(pair.mask.at(static_cast<int>(nose.x), static_cast<int>(nose.y)), 255);
}

// With its own points moved in the source, each feature must be fetched from where it was moved to.
TEST(FaceSwap, BringsEveryFeatureToItsPlace) {
  const FaceSource target = sample_face("astronaut.png");
  FaceSource moved = target;
  const int dx = 9, dy = 6;
  for (int y = 0; y < 512; ++y)
    for (int x = 0; x < 512; ++x)
      for (int c = 0; c < 3; ++c)
        moved.picture.rgb[static_cast<std::size_t>(3 * (512 * y + x) + c)] =
            target.picture.rgb[static_cast<std::size_t>(3 * (512 * ((y - dy + 512) % 512) + (x - dx + 512) % 512) + c)];
  for (Point& p : moved.landmarks.points) p.x += dx, p.y += dy;
  const BlendedPair pair = face_swap(target, moved).value();
  double sum = 0;
  for (std::size_t i = 0; i < pair.real.rgb.size(); ++i) {
    sum += std::abs(pair.real.rgb[i] - pair.fake.rgb[i]);
    ASSERT_NEAR(pair.real.rgb[i], pair.fake.rgb[i], 6) << i;
  }
  EXPECT_LT(sum / static_cast<double>(pair.real.rgb.size()), 0.1);
}

TEST(FaceSwap, WorksAtTheEdgeOfThePicture) {
  const FaceSource whole = sample_face("astronaut.png"), source = sample_face("grace_hopper.jpg");
  FaceSource cut = whole;  // the right half of the face is outside
  cut.picture.width = static_cast<int>(whole.landmarks.points[30].x);
  cut.picture.rgb.clear();
  for (int y = 0; y < 512; ++y)
    cut.picture.rgb.insert(cut.picture.rgb.end(), whole.picture.view().row(y),
                           whole.picture.view().row(y) + 3 * cut.picture.width);
  const auto pair = face_swap(cut, source);
  ASSERT_TRUE(pair) << pair.error().message;
  EXPECT_GT(differences(pair->real, pair->fake, pair->mask).inside, 2000);
  EXPECT_TRUE(face_swap(source, cut));
}

TEST(FaceSwap, FinishedPairsAreSquareAndEqualOutsideTheMask) {
  FinishDraws draws = draw_finish(RngStream(2, "test"));
  draws.jpeg_quality = 0;
  PairOptions options;
  options.side = 160;
  const FinishedPair pair =
      face_swap_pair(sample_face("grace_hopper.jpg"), sample_face("astronaut.png"), draws, options).value();
  EXPECT_EQ(pair.fake.width, 160);
  EXPECT_EQ(differences(pair.real, pair.fake, test::widened_mask(pair.mask, 4)).outside, 0);
}

TEST(FaceSwap, RefusesPointsThatAreNoFace) {
  FaceSource none = sample_face("astronaut.png");
  none.landmarks.points.fill({10, 10});
  EXPECT_EQ(face_swap(sample_face("astronaut.png"), none).error().code, ErrorCode::landmarks_degenerate);
  EXPECT_EQ(face_swap(none, sample_face("astronaut.png")).error().code, ErrorCode::landmarks_degenerate);
}

}  // namespace
}  // namespace dfa
