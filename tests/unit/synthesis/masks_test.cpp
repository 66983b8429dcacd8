#include "synthesis/masks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sample_faces.hpp"

namespace dfa {
namespace {

using test::sample_face;
using test::widened_mask;

long area(const Mask& mask) {
  return std::count_if(mask.value.begin(), mask.value.end(), [](std::uint8_t v) { return v > 0; });
}

bool is_within(const Mask& inner, const Mask& outer) {
  for (std::size_t i = 0; i < inner.value.size(); ++i)
    if (inner.value[i] > outer.value[i]) return false;
  return true;
}

Mask hull_of(const FaceSource& face, Hull hull) {
  return hull_mask(face.landmarks, hull, face.picture.width, face.picture.height).value();
}

Mask disc(int side, double radius) {
  Mask mask{side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side))};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      if (std::hypot(x - side / 2, y - side / 2) < radius) mask.value[static_cast<std::size_t>(y * side + x)] = 255;
  return mask;
}

TEST(HullMask, HullsContainTheirPointsAndLieInOneAnother) {
  for (const char* name : {"astronaut.png", "grace_hopper.jpg"}) {
    const FaceSource face = sample_face(name);
    const Mask filled = hull_of(face, Hull::filled), brows = hull_of(face, Hull::brow_extended),
               features = hull_of(face, Hull::features), lower = hull_of(face, Hull::lower_face);
    for (const Point& p : face.landmarks.points)
      EXPECT_EQ(filled.at(static_cast<int>(std::lround(p.x)), static_cast<int>(std::lround(p.y))), 255);
    for (const std::size_t i : {30u, 37u, 44u, 51u, 57u}) {  // tip of the nose, eyes, lips
      const Point& p = face.landmarks.points[i];
      EXPECT_EQ(features.at(static_cast<int>(std::lround(p.x)), static_cast<int>(std::lround(p.y))), 255) << i;
    }
    const auto eye = face.landmarks.points[37];
    EXPECT_EQ(lower.at(static_cast<int>(std::lround(eye.x)), static_cast<int>(std::lround(eye.y))), 0);
    EXPECT_TRUE(is_within(filled, brows));
    EXPECT_TRUE(is_within(features, filled));
    EXPECT_TRUE(is_within(lower, filled));
    EXPECT_GT(area(brows), area(filled) * 1.05);
    EXPECT_LT(area(brows), area(filled) * 1.5);
    EXPECT_LT(area(features), area(filled) * 0.6);
    EXPECT_LT(area(lower), area(filled) * 0.8);
    EXPECT_GT(area(lower), area(filled) * 0.3);
  }
}

TEST(HullMask, RefusesPointsThatAreNoFaceInThePicture) {
  FaceSource face = sample_face("astronaut.png");
  Landmarks68 away = face.landmarks;
  for (Point& p : away.points) p.x += 1000;
  EXPECT_EQ(hull_mask(away, Hull::filled, 512, 512).error().code, ErrorCode::landmarks_degenerate);
  Landmarks68 one_place;
  one_place.points.fill({100, 100});
  EXPECT_EQ(hull_mask(one_place, Hull::filled, 512, 512).error().code, ErrorCode::landmarks_degenerate);
  face.landmarks.points[3].x = NAN;
  EXPECT_EQ(hull_mask(face.landmarks, Hull::filled, 512, 512).error().code, ErrorCode::landmarks_degenerate);
}

TEST(SoftMask, IsZeroBeyondItsReachOneInsideAndSmooth) {
  const Mask mask = disc(230, 70);
  for (const Softening& softening :
       {Softening{256, 192, 25, 25, 45}, Softening{192, 256, 5, 25, 30}, Softening{200, 200, 25, 5, 5}}) {
    const Mask soft = soften(mask, softening).value();
    EXPECT_EQ(soft.at(115, 115), 255);
    EXPECT_TRUE(is_within(soft, widened_mask(mask, soft_reach(softening, 230, 230))));
    int steps = 0;
    for (int x = 0; x < 115; ++x) {
      EXPECT_LE(soft.at(x, 115), soft.at(x + 1, 115));
      steps += soft.at(x, 115) > 0 && soft.at(x, 115) < 255 ? 1 : 0;
    }
    EXPECT_GE(steps, softening.second_kernel / 2);
  }
}

// The first kernel takes as much away as its radius: with a second kernel of one pixel less nothing is left outside.
TEST(SoftMask, FirstKernelErodes) {
  const Mask mask = disc(200, 70);
  const Mask wide = soften(mask, {200, 200, 5, 5, 20}).value(), narrow = soften(mask, {200, 200, 25, 5, 20}).value();
  EXPECT_TRUE(is_within(narrow, mask));
  const auto radius = [](const Mask& soft) {
    int x = 100;
    while (soft.at(x, 100) > 127) ++x;
    return x - 100;
  };
  EXPECT_NEAR(radius(wide) - radius(narrow), 10, 1);
}

TEST(SoftMask, RefusesEvenKernelsAndEmptyMasks) {
  EXPECT_EQ(soften(disc(64, 20), {200, 200, 4, 5, 5}).error().code, ErrorCode::usage);
  EXPECT_EQ(soften(disc(64, 0), {200, 200, 5, 5, 5}).error().code, ErrorCode::landmarks_degenerate);
}

TEST(Deform, MovesTheRimByPixelsAndNothingElse) {
  const Mask mask = disc(200, 60);
  const Mask deformed = deform(mask, {50, 7}, RngStream(1, "elastic")).value();
  EXPECT_NE(deformed.value, mask.value);
  EXPECT_EQ(deformed.value, deform(mask, {50, 7}, RngStream(1, "elastic")).value().value);
  EXPECT_NE(deformed.value, deform(mask, {50, 7}, RngStream(2, "elastic")).value().value);
  EXPECT_TRUE(is_within(deformed, widened_mask(mask, 8)));
  EXPECT_NEAR(static_cast<double>(area(deformed)), static_cast<double>(area(mask)),
              0.05 * static_cast<double>(area(mask)));
  EXPECT_EQ(deform(mask, {0, 7}, RngStream(1, "elastic")).value().value, mask.value);
}

TEST(MoveMask, ShiftsByShares) {
  Mask mask = disc(100, 10);
  const Mask moved = move_mask(mask, {0.03, -0.01, 1, 1}).value();
  for (int y = 20; y < 80; ++y)
    for (int x = 20; x < 80; ++x) ASSERT_EQ(moved.at(x, y), mask.at(x - 3, y + 1));
}

TEST(BoundaryMap, IsOneWhereBothWeighTheSame) {
  const Mask mask{4, 1, {0, 51, 128, 255}};
  const std::vector<float> map = boundary_map(mask);
  EXPECT_FLOAT_EQ(map[0], 0);
  EXPECT_FLOAT_EQ(map[1], 4 * 0.2F * 0.8F);
  EXPECT_NEAR(map[2], 1, 1e-4);
  EXPECT_FLOAT_EQ(map[3], 0);
}

}  // namespace
}  // namespace dfa
