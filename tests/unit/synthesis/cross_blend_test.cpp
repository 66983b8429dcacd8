#include "synthesis/cross_blend.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "sample_faces.hpp"

namespace dfa {
namespace {

using test::differences;
using test::sample_face;

Landmarks68 turned(const Landmarks68& landmarks) {
  const Similarity turn{1.2, 0.4, 30, -12};
  Landmarks68 out;
  for (std::size_t i = 0; i < out.points.size(); ++i) out.points[i] = turn.apply(landmarks.points[i]);
  return out;
}

double mean_inside(const Picture& picture, const Mask& mask) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < mask.value.size(); ++i)
    if (mask.value[i] == 255) sum += picture.rgb[3 * i] + picture.rgb[3 * i + 1] + picture.rgb[3 * i + 2], count += 3;
  return sum / count;
}

TEST(LandmarkDistance, IgnoresWhereAndHowLargeAFaceIs) {
  const Landmarks68 a = sample_face("astronaut.png").landmarks, b = sample_face("grace_hopper.jpg").landmarks;
  EXPECT_NEAR(landmark_distance(turned(a), a).value(), 0, 1e-9);
  const double apart = landmark_distance(b, a).value();
  EXPECT_GT(apart, 0.02);
  EXPECT_LT(apart, 1);
  EXPECT_NEAR(landmark_distance(turned(b), a).value(), apart, 1e-9);
  Landmarks68 none;
  EXPECT_FALSE(landmark_distance(a, none));
}

TEST(NearestLandmarks, AreFoundAmongCandidatesThatCanBeCompared) {
  const Landmarks68 a = sample_face("astronaut.png").landmarks, b = sample_face("grace_hopper.jpg").landmarks;
  const std::vector<Landmarks68> candidates = {Landmarks68{}, b, turned(a), a};
  const Nearest nearest = nearest_landmarks(candidates, a).value();
  EXPECT_GE(nearest.index, 2u);
  EXPECT_NEAR(nearest.distance, 0, 1e-9);
  EXPECT_EQ(nearest_landmarks({}, a).error().code, ErrorCode::usage);
}

TEST(CrossBlend, PutsAnotherFaceInsideTheMaskInTheTargetsColours) {
  const FaceSource target = sample_face("astronaut.png"), source = sample_face("grace_hopper.jpg");
  CrossBlendDraws draws = draw_cross_blend(RngStream(3, "test"));
  draws.ratio = 1;
  draws.mask.hull = Hull::filled;
  const BlendedPair pair = cross_blend_canvas(target, source, draws, FinalCrop::margins).value();
  const auto found = differences(pair.real, pair.fake, pair.mask);
  EXPECT_EQ(found.outside, 0);
  EXPECT_GT(found.inside, 2000);
  EXPECT_NEAR(mean_inside(pair.fake, pair.mask), mean_inside(pair.real, pair.mask), 6);
}

// A face laid over itself is itself: any slip of the transform would show.
TEST(CrossBlend, OfAPictureWithItselfChangesNextToNothing) {
  const FaceSource face = sample_face("astronaut.png");
  CrossBlendDraws draws = draw_cross_blend(RngStream(4, "test"));
  draws.ratio = 1;
  const BlendedPair pair = cross_blend_canvas(face, face, draws, FinalCrop::margins).value();
  for (std::size_t i = 0; i < pair.real.rgb.size(); ++i) ASSERT_NEAR(pair.real.rgb[i], pair.fake.rgb[i], 2) << i;
}

TEST(MatchColours, GivesMeanAndSpreadInsideTheMask) {
  const FaceSource face = sample_face("astronaut.png");
  const Mask mask = hull_mask(face.landmarks, Hull::filled, 512, 512).value();
  const Picture dark = shift_colours(face.picture, {-20, -10, 0, 0, 0, 0, -0.1, -0.2}).value();
  const Picture matched = match_colours(dark, face.picture, mask).value();
  EXPECT_LT(mean_inside(dark, mask), mean_inside(face.picture, mask) - 10);
  EXPECT_NEAR(mean_inside(matched, mask), mean_inside(face.picture, mask), 1.5);
}

}  // namespace
}  // namespace dfa
