#include "synthesis/self_blend.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "sample_faces.hpp"

namespace dfa {
namespace {

using test::differences;
using test::sample_face;
using test::widened_mask;

RngStream pair_stream(std::uint64_t number) {
  return RngStream(7, "test").child(number);
}

bool is_within(const Mask& inner, const Mask& outer) {
  for (std::size_t i = 0; i < inner.value.size(); ++i)
    if (inner.value[i] > 0 && outer.value[i] == 0) return false;
  return true;
}

// How far steps 5 and 6 can carry a mask beyond its hull.
int mask_reach(const SelfBlendDraws& draws, int width, int height) {
  const AxisAffine& moved = draws.mask.moved;
  const double x = std::abs(moved.shift_x) * width + std::abs(moved.scale_x - 1) * width / 2;
  const double y = std::abs(moved.shift_y) * height + std::abs(moved.scale_y - 1) * height / 2;
  constexpr int kElastic = 8;  // the smoothed noise has a deviation of 1.2 pixels
  return static_cast<int>(std::ceil(std::max(x, y))) + kElastic + soft_reach(draws.mask.softening, width, height);
}

TEST(SelfBlend, EqualOutsideTheMaskAndTheMaskIsZeroOutsideTheWidenedHull) {
  int forged = 0;
  for (std::uint64_t number = 0; number < 12; ++number) {
    const FaceSource face = sample_face(number % 2 == 0 ? "astronaut.png" : "grace_hopper.jpg");
    const SelfBlendDraws draws = draw_self_blend(pair_stream(number));
    const BlendedPair pair = self_blend_canvas(face, draws, FinalCrop::margins).value();
    FaceSource canvas = cut_canvas(face, FinalCrop::margins).value();
    if (draws.flip == Flip::yes) canvas = flipped(canvas);
    const Mask hull = hull_mask(canvas.landmarks, draws.mask.hull, canvas.picture.width, canvas.picture.height).value();
    EXPECT_TRUE(is_within(pair.mask, widened_mask(hull, mask_reach(draws, hull.width, hull.height)))) << number;
    const auto found = differences(pair.real, pair.fake, pair.mask);
    EXPECT_EQ(found.outside, 0) << number;
    forged += found.inside > 500 ? 1 : 0;
  }
  EXPECT_GE(forged, 10);
}

TEST(SelfBlend, FakeIsTheBlendOfTheFormula) {
  const Picture target{2, 1, {0, 100, 200, 10, 20, 30}}, source{2, 1, {255, 50, 0, 110, 120, 130}};
  const Mask mask{2, 1, {255, 51}};
  const Picture fake = blend(target, source, mask, 0.5).value();
  EXPECT_EQ(fake.rgb, (std::vector<std::uint8_t>{128, 75, 100, 20, 30, 40}));
  EXPECT_EQ(blend(target, source, Mask{1, 1, {0}}, 1).error().code, ErrorCode::usage);
}

TEST(SelfBlend, JointColoursKeepEqualityAndJpegKeepsItAwayFromTheMask) {
  const FaceSource face = sample_face("astronaut.png");
  SelfBlendDraws draws = draw_self_blend(pair_stream(3));
  draws.finish.colours = {10, -5, 3, 0.2, 0.1, -0.3, 0.1, -0.2};
  draws.finish.jpeg_quality = 0;
  const BlendedPair pair = self_blend_canvas(face, draws, FinalCrop::whole).value();
  PairOptions options{FinalCrop::whole, {}, 512};  // the sample's own size: nothing is resampled
  const FinishedPair plain = finish(pair, draws.finish, options).value();
  EXPECT_EQ(plain.mask.value, pair.mask.value);
  EXPECT_EQ(differences(plain.real, plain.fake, plain.mask).outside, 0);
  EXPECT_NE(plain.real.rgb, pair.real.rgb);
  draws.finish.jpeg_quality = 60;
  const FinishedPair encoded = finish(pair, draws.finish, options).value();
  EXPECT_EQ(differences(encoded.real, encoded.fake, widened_mask(pair.mask, 32)).outside, 0);
  EXPECT_NE(encoded.real.rgb, plain.real.rgb);
}

// One crop for all three: were the margins other ones, the surroundings would differ.
TEST(SelfBlend, FinalCropIsTheSameOnBothSides) {
  for (const FinalCrop crop : {FinalCrop::margins, FinalCrop::whole, FinalCrop::recipe}) {
    PairOptions options;
    options.crop = crop;
    options.side = 128;
    SelfBlendDraws draws = draw_self_blend(pair_stream(5));
    draws.finish.jpeg_quality = 0;
    const FinishedPair pair = self_blend(sample_face("astronaut.png"), draws, options).value();
    ASSERT_EQ(pair.real.width, 128);
    ASSERT_EQ(pair.mask.height, 128);
    EXPECT_EQ(differences(pair.real, pair.fake, widened_mask(pair.mask, 4)).outside, 0);
    EXPECT_GT(differences(pair.real, pair.fake, pair.mask).inside, 100);
    EXPECT_GT(*std::max_element(pair.mask.value.begin(), pair.mask.value.end()), 250);
  }
}

TEST(SelfBlend, DependsOnItsStreamAlone) {
  const FaceSource face = sample_face("grace_hopper.jpg");
  const auto pair_of = [&](std::uint64_t number) {
    return self_blend(face, draw_self_blend(pair_stream(number)), {}).value();
  };
  const FinishedPair one = pair_of(1), again = pair_of(1), other = pair_of(2);
  EXPECT_EQ(one.real.rgb, again.real.rgb);
  EXPECT_EQ(one.fake.rgb, again.fake.rgb);
  EXPECT_EQ(one.mask.value, again.mask.value);
  EXPECT_NE(one.fake.rgb, other.fake.rgb);
}

TEST(SelfBlend, DrawsFollowThePublishedRanges) {
  constexpr int kRounds = 4000;
  std::map<double, int> ratios;
  std::map<Hull, int> hulls;
  int flips = 0, sources = 0, coarse = 0, encoded = 0, rgb = 0, joint_rgb = 0;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const SelfBlendDraws d = draw_self_blend(pair_stream(i));
    ++ratios[d.ratio];
    ++hulls[d.mask.hull];
    flips += d.flip == Flip::yes ? 1 : 0;
    sources += d.changed == ChangedSide::source ? 1 : 0;
    coarse += d.degradation == Degradation::coarsen ? 1 : 0;
    encoded += d.finish.jpeg_quality > 0 ? 1 : 0;
    rgb += d.colours.red != 0 ? 1 : 0;
    joint_rgb += d.finish.colours.red != 0 ? 1 : 0;
    EXPECT_TRUE(d.coarsen_ratio == 2 || d.coarsen_ratio == 4);
    EXPECT_LE(std::abs(d.colours.green), 20);
    EXPECT_LE(std::abs(d.colours.hue), 0.3);
    EXPECT_LE(std::abs(d.colours.contrast), 0.1);
    EXPECT_NE(d.colours.brightness, 0);
    EXPECT_LE(std::abs(d.finish.colours.brightness), 0.3);
    EXPECT_TRUE(d.sharpen_alpha >= 0.2 && d.sharpen_alpha < 0.5 && d.sharpen_lightness >= 0.5);
    EXPECT_LE(std::abs(d.mask.moved.shift_x), 0.03);
    EXPECT_LE(std::abs(d.mask.moved.shift_y), 0.015);
    EXPECT_TRUE(d.mask.moved.scale_x >= 0.95 && d.mask.moved.scale_x < 1 / 0.95);
    const Softening& soft = d.mask.softening;
    EXPECT_TRUE(soft.width >= 192 && soft.width <= 256 && soft.height >= 192 && soft.height <= 256);
    EXPECT_TRUE(soft.first_kernel % 2 == 1 && soft.first_kernel >= 5 && soft.first_kernel <= 25);
    EXPECT_TRUE(soft.second_kernel % 2 == 1 && soft.second_kernel >= 5 && soft.second_kernel <= 25);
    EXPECT_TRUE(soft.second_sigma >= 5 && soft.second_sigma <= 45);
    EXPECT_TRUE(d.finish.jpeg_quality == 0 || (d.finish.jpeg_quality >= 40 && d.finish.jpeg_quality <= 100));
    for (const double margin : {d.finish.left, d.finish.top, d.finish.right, d.finish.bottom})
      EXPECT_TRUE(margin >= 0.05 && margin < 0.2);
  }
  const auto share = [](int n) { return n / static_cast<double>(kRounds); };
  constexpr double kNear = 0.03;  // four deviations of a share of one half
  EXPECT_NEAR(share(flips), 0.5, kNear);
  EXPECT_NEAR(share(sources), 0.5, kNear);
  EXPECT_NEAR(share(coarse), 0.5, kNear);
  EXPECT_NEAR(share(encoded), 0.5, kNear);
  EXPECT_NEAR(share(rgb), 0.3, kNear);
  EXPECT_NEAR(share(joint_rgb), 0.3, kNear);
  EXPECT_NEAR(share(ratios[1]), 0.5, kNear);
  for (const double r : {0.25, 0.5, 0.75}) EXPECT_NEAR(share(ratios[r]), 1 / 6.0, kNear) << r;
  EXPECT_NEAR(share(hulls[Hull::features]), 0.25, kNear);
  EXPECT_NEAR(share(hulls[Hull::lower_face]), 0.25, kNear);
  EXPECT_NEAR(share(hulls[Hull::filled]), 0.25 * 1.25, kNear);
  EXPECT_NEAR(share(hulls[Hull::brow_extended]), 0.25 * 0.75, kNear);
}

TEST(SelfBlend, FlippedFacesKeepTheMeaningOfTheirPoints) {
  const FaceSource face = sample_face("astronaut.png");
  const FaceSource mirror = flipped(face), back = flipped(mirror);
  EXPECT_EQ(back.picture.rgb, face.picture.rgb);
  for (std::size_t i = 0; i < face.landmarks.points.size(); ++i) {
    EXPECT_DOUBLE_EQ(back.landmarks.points[i].x, face.landmarks.points[i].x);
    EXPECT_DOUBLE_EQ(back.landmarks.points[i].y, face.landmarks.points[i].y);
  }
  const auto& p = mirror.landmarks.points;
  EXPECT_LT(p[0].x, p[16].x);   // jaw from left to right
  EXPECT_LT(p[17].x, p[26].x);  // brows
  EXPECT_LT(p[36].x, p[39].x);  // left eye from its left corner
  EXPECT_LT(p[37].y, p[41].y);  // upper lid over lower lid
  EXPECT_LT(p[48].x, p[54].x);  // mouth
  EXPECT_LT(p[51].y, p[57].y);  // upper lip over lower lip
  EXPECT_LT(mirror.face.landmarks_px[0].x, mirror.face.landmarks_px[1].x);
  EXPECT_LT(mirror.face.landmarks_px[3].x, mirror.face.landmarks_px[4].x);
}

TEST(SelfBlend, RefusesSizesThatMakeNoSense) {
  PairOptions options;
  options.side = 8;
  EXPECT_EQ(self_blend(sample_face("astronaut.png"), draw_self_blend(pair_stream(0)), options).error().code,
            ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
