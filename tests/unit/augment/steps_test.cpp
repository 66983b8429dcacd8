// Each step against a computation of its own, written from the definition and in another way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <tuple>
#include <vector>

#include "augment/augment.hpp"
#include "augment/augment_sets.hpp"

namespace dfa {
namespace {

Picture noise(int width, int height, std::uint64_t seed = 1) {
  RngStream stream(seed, "noise");
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  for (std::uint8_t& byte : picture.rgb) byte = static_cast<std::uint8_t>(stream.below(256));
  return picture;
}

// Smooth: bilinear interpolation of it is exact to a fraction of a level.
Picture waves(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const double phase : {0.0, 1.0, 2.0})
        picture.rgb.push_back(static_cast<std::uint8_t>(127 + 100 * std::sin(0.11 * x + 0.07 * y + phase)));
  return picture;
}

int at(const Picture& picture, int x, int y, int c) {
  return picture.view().row(y)[3 * x + c];
}

// ..., 2, 1, 0, 1, 2, ...
int mirrored_index(int i, int size) {
  while (i < 0 || i >= size) i = i < 0 ? -i : 2 * (size - 1) - i;
  return i;
}

// The definition backwards: where each new pixel comes from.
double moved_value(const Picture& picture, const AffineMove& move, int x, int y, int c) {
  const double cx = (picture.width - 1) / 2.0, cy = (picture.height - 1) / 2.0;
  const double dx = (x - cx - move.shift_x * picture.width) / move.scale,
               dy = (y - cy - move.shift_y * picture.height) / move.scale;
  const double angle = -move.degrees * std::numbers::pi / 180;
  const double u = cx + std::cos(angle) * dx - std::sin(angle) * dy,
               v = cy + std::sin(angle) * dx + std::cos(angle) * dy;
  const int left = static_cast<int>(std::floor(u)), top = static_cast<int>(std::floor(v));
  const auto pixel = [&](int i, int j) -> double {
    const bool inside = i >= 0 && j >= 0 && i < picture.width && j < picture.height;
    if (!inside && move.outside == Outside::black) return 0;
    return at(picture, mirrored_index(i, picture.width), mirrored_index(j, picture.height), c);
  };
  const double a = u - left, b = v - top;
  return (1 - b) * ((1 - a) * pixel(left, top) + a * pixel(left + 1, top)) +
         b * ((1 - a) * pixel(left, top + 1) + a * pixel(left + 1, top + 1));
}

TEST(AugmentSteps, AffineMovesAsDefined) {
  const Picture picture = waves(41, 33);
  for (const Outside outside : {Outside::mirror, Outside::black})
    for (const auto& [degrees, sx, sy, scale] : {std::tuple(10.0, 0.0, 0.0, 1.0), std::tuple(0.0, 0.1, -0.05, 1.0),
                                                 std::tuple(0.0, 0.0, 0.0, 0.8), std::tuple(-7.0, 0.06, 0.1, 1.1)}) {
      const AffineMove move{degrees, sx, sy, scale, outside};
      const auto moved = move_affine(picture, move);
      ASSERT_TRUE(moved);
      int black = 0;
      double worst = 0, sum = 0;
      for (int y = 0; y < picture.height; ++y)
        for (int x = 0; x < picture.width; ++x)
          for (int c = 0; c < 3; ++c) {
            const double difference = std::abs(at(*moved, x, y, c) - moved_value(picture, move, x, y, c));
            worst = std::max(worst, difference);
            sum += difference;
            black += at(*moved, x, y, c) == 0 ? 1 : 0;
          }
      // Source places are rounded to 1/32 pixel: up to 1/64 off on each axis. Between the picture and black a level
      // of 227 is crossed over one pixel, inside at most 13: 2 * 227 / 64 and 1/2 for the bytes against 2 * 13 / 64.
      EXPECT_LT(worst, outside == Outside::black ? 7.6 : 1.0) << degrees << " " << scale;
      EXPECT_LT(sum / static_cast<double>(picture.rgb.size()), 0.4);
      EXPECT_EQ(black > 0, outside == Outside::black && !(degrees == 0 && scale == 1 && sx == 0));
    }
  EXPECT_EQ(move_affine(noise(9, 8), AffineMove{})->rgb, noise(9, 8).rgb);
}

TEST(AugmentSteps, GainLightColourAndGrey) {
  const Picture picture = noise(8, 5);
  const Picture gained = adjust_gain(picture, 1.1), lit = adjust_light(picture, 0.1, -0.2),
                coloured = add_colour(picture, {3.4, -300, 0}), grey = to_grey(picture);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
    const double v = picture.rgb[i];
    EXPECT_EQ(gained.rgb[i], std::min(255.0, std::round(1.1 * v)));
    EXPECT_EQ(lit.rgb[i], std::min(255.0, std::round(0.8 * v + 25.5)));
    EXPECT_EQ(coloured.rgb[i], i % 3 == 0 ? std::min(255.0, v + 3) : i % 3 == 1 ? 0 : v);
    const std::size_t first = i - i % 3;
    EXPECT_NEAR(grey.rgb[i],
                (299 * picture.rgb[first] + 587 * picture.rgb[first + 1] + 114 * picture.rgb[first + 2]) / 1000.0,
                0.51);
  }
}

// The hexcone as written in textbooks; hue in sixths of the circle.
std::array<double, 3> hsv_of(double r, double g, double b) {
  const double most = std::max({r, g, b}), least = std::min({r, g, b}), chroma = most - least;
  double hue = 0;
  if (chroma > 0) hue = most == r ? (g - b) / chroma : most == g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  return {hue < 0 ? hue + 6 : hue, most > 0 ? chroma / most : 0, most};
}
std::array<double, 3> rgb_of(double hue, double saturation, double value) {
  const auto channel = [&](double offset) {
    const double k = std::fmod(offset + hue, 6.0);
    return value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
  };
  return {channel(5), channel(3), channel(1)};
}

TEST(AugmentSteps, HueSaturationAndValue) {
  const Picture picture = noise(9, 9);
  for (const auto& [hue, saturation, value] :
       {std::tuple(20.0, 0.0, 0.0), std::tuple(-35.0, 30.0, 0.0), std::tuple(0.0, -30.0, 20.0)}) {
    const auto changed = shift_hsv(picture, hue, saturation, value);
    ASSERT_TRUE(changed);
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
      auto p = hsv_of(picture.rgb[i] / 255.0, picture.rgb[i + 1] / 255.0, picture.rgb[i + 2] / 255.0);
      p[0] = std::fmod(p[0] + hue / 30 + 6, 6.0);  // 180 steps are six sixths
      p[1] = std::clamp(p[1] + saturation / 255, 0.0, 1.0);
      p[2] = std::clamp(p[2] + value / 255, 0.0, 1.0);
      const auto expected = rgb_of(p[0], p[1], p[2]);
      for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(changed->rgb[i + c], 255 * expected[c], 0.6);
    }
  }
}

// Colours on one line through the cube: one component carries all variance, the others none.
TEST(AugmentSteps, PrincipalShiftRunsAlongTheColours) {
  Picture line{4, 1, {10, 20, 30, 40, 60, 30, 70, 100, 30, 100, 140, 30}};  // steps of (30, 40, 0), 50 long
  const double variance = 50.0 * 50 * (1.5 * 1.5 + 0.5 * 0.5) / 2 / (255.0 * 255);
  const ColourVector shift = principal_shift(line, {0.5, 100, 100});
  const double length = 255 * 0.5 * variance;
  EXPECT_NEAR(std::abs(shift[0]), length * 0.6, 1e-9);
  EXPECT_NEAR(std::abs(shift[1]), length * 0.8, 1e-9);
  EXPECT_GT(shift[0] * shift[1], 0);
  EXPECT_NEAR(shift[2], 0, 1e-9);
}

// With all factors equal to f the shift's length is f times that of (lambda_1, lambda_2, lambda_3), and the sum of
// lambda_k^2 is the sum of the squares of the covariance's entries.
TEST(AugmentSteps, PrincipalShiftHasTheCovariancesNorm) {
  const Picture picture = waves(16, 16);
  double frobenius = 0;
  const ColourVector mean = mean_colour(picture);
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < picture.rgb.size(); i += 3)
        sum += (picture.rgb[i + a] - mean[a]) / 255 * (picture.rgb[i + b] - mean[b]) / 255;
      frobenius += sum * sum / (256.0 * 256.0);
    }
  const ColourVector shift = principal_shift(picture, {0.3, 0.3, 0.3});
  EXPECT_NEAR(std::hypot(shift[0], shift[1], shift[2]), 255 * 0.3 * std::sqrt(frobenius), 1e-6);
}

TEST(AugmentSteps, BlurTakesTheKernelOfItsSide) {
  constexpr int kSide = 25, kMiddle = 12;
  Picture dot{kSide, kSide, std::vector<std::uint8_t>(3 * kSide * kSide)};
  std::fill_n(&dot.rgb[3 * (kMiddle * kSide + kMiddle)], 3, 255);
  const auto expect_kernel = [&](const Picture& blurred, int side, double sigma) {
    const auto weight = [&](int d) {
      double sum = 0;
      for (int i = -side / 2; i <= side / 2; ++i) sum += std::exp(-i * i / (2 * sigma * sigma));
      return std::abs(d) > side / 2 ? 0 : std::exp(-d * d / (2 * sigma * sigma)) / sum;
    };
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        EXPECT_NEAR(at(blurred, x, y, 0), 255 * weight(x - kMiddle) * weight(y - kMiddle), 1.5);
  };
  const std::map<int, std::vector<double>> fixed = {
      {3, {2, 1}}, {5, {6, 4, 1}}, {7, {18, 14, 7, 2}}};  // from the middle outwards
  for (const auto& [side, half] : fixed) {
    const Picture blurred = blur_kernel(dot, side);
    const double sum = 2 * std::accumulate(half.begin(), half.end(), 0.0) - half[0];
    const auto weight = [&](int d) {
      const auto at_distance = static_cast<std::size_t>(std::abs(d));
      return at_distance < half.size() ? half[at_distance] / sum : 0;
    };
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        EXPECT_NEAR(at(blurred, x, y, 0), 255 * weight(x - kMiddle) * weight(y - kMiddle), 0.6) << side;
  }
  expect_kernel(blur_kernel(dot, 11), 11, 0.3 * 4 + 0.8);
  expect_kernel(blur_gaussian(dot, 2, 7), 7, 2);
  EXPECT_EQ(at(blur_gaussian(dot, 2, 7), kMiddle + 4, kMiddle, 0), 0);
  EXPECT_GT(at(blur_gaussian(dot, 2), kMiddle + 4, kMiddle, 0), 0) << "the rule's kernel is wider";
}

TEST(AugmentSteps, NoiseIsNormalOfItsSigma) {
  const Picture flat{64, 64, std::vector<std::uint8_t>(3 * 64 * 64, 128)};
  const Picture noisy = add_noise(flat, 6, RngStream(3, "n"));
  double sum = 0, squares = 0;
  int beyond = 0;
  for (const std::uint8_t v : noisy.rgb) {
    sum += v - 128.0;
    squares += (v - 128.0) * (v - 128.0);
    beyond += std::abs(v - 128) > 12 ? 1 : 0;
  }
  const double count = static_cast<double>(noisy.rgb.size());
  EXPECT_NEAR(sum / count, 0, 4 * 6 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count), std::sqrt(36 + 1.0 / 12), 0.2);
  EXPECT_NEAR(beyond / count, 0.0371, 0.01);  // beyond 12.5 of 6.007
  EXPECT_EQ(add_noise(flat, 6, RngStream(3, "n")).rgb, noisy.rgb);
  EXPECT_NE(add_noise(flat, 6, RngStream(4, "n")).rgb, noisy.rgb);
}

// A crop whose brightness tells where its pixels came from and its mask move alike.
TEST(AugmentSteps, MasksMoveWithTheirCrops) {
  Picture crop{48, 48, std::vector<std::uint8_t>(3 * 48 * 48, 40)};
  for (int y = 12; y < 30; ++y)
    for (int x = 8; x < 20; ++x) std::fill_n(&crop.rgb[static_cast<std::size_t>(3 * (48 * y + x))], 3, 220);
  Picture mask = crop;
  for (std::uint8_t& v : mask.rgb) v = v == 220 ? 255 : 0;
  AugmentOptions options = augment_options_of(AugmentSet::strong);
  options.crop = {0.5, 0.6, 0.9};
  options.affine.p = 1;
  options.colour.p = options.grey = options.kernel_blur.p = options.noise.p = options.jpeg.p = 0;
  int moved = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const AugmentDraws draws = draw_augment(options, augment_stream(1, 0, i));
    const auto changed = augment(crop, draws), changed_mask = augment_geometry(mask, draws);
    ASSERT_TRUE(changed && changed_mask);
    for (std::size_t k = 0; k < mask.rgb.size(); ++k)
      EXPECT_NEAR((changed->rgb[k] - 40) / 180.0, changed_mask->rgb[k] / 255.0, 0.012);
    moved += changed_mask->rgb == mask.rgb ? 0 : 1;
  }
  EXPECT_EQ(moved, 20);
  // Photometric steps leave a mask alone.
  AugmentOptions photometric = augment_options_of(AugmentSet::strong);
  photometric.flip = photometric.affine.p = 0;
  photometric.erase.p = photometric.gain.p = 1;
  EXPECT_EQ(augment_geometry(mask, draw_augment(photometric, augment_stream(1, 0, 0)))->rgb, mask.rgb);
}

// Half a level in the surroundings would tell real from forged: what a step measures, it measures once for both.
TEST(AugmentSteps, PairsAreChangedByOneMeasurement) {
  const Picture real = waves(32, 32);
  Picture fake = real;
  for (int y = 10; y < 22; ++y)
    for (int x = 10; x < 22; ++x) std::fill_n(&fake.rgb[static_cast<std::size_t>(3 * (32 * y + x))], 3, 250);
  AugmentOptions options;
  options.contrast = {1, 0.6, 0.7};
  options.colour = {1, 0.2, 5, 20, 30, 20};
  options.erase = {1, 0.02, 0.05};
  options.noise = {1, 3, 7};
  int with_components = 0;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const AugmentDraws draws = draw_augment(options, augment_stream(1, 0, i));
    Measured measured;
    const auto a = augment(real, draws, measured), b = augment(fake, draws, measured), alone = augment(fake, draws);
    ASSERT_TRUE(a && b && alone);
    int together = 0, apart = 0;
    for (std::size_t k = 0; k < real.rgb.size(); ++k)
      if (real.rgb[k] == fake.rgb[k]) {
        // An erased corner that hides part of the patch is the only exception, and it has one colour on both.
        together += a->rgb[k] == b->rgb[k] ? 0 : 1;
        apart += a->rgb[k] == alone->rgb[k] ? 0 : 1;
      }
    // Hue of a pixel depends on its neighbours' channels of the same pixel alone; the patch covers whole pixels but
    // some of its channels may equal the real ones.
    EXPECT_LE(together, 24);
    EXPECT_GT(apart, 1000);
    with_components += draws.colour->change == ColourChange::pca ? 1 : 0;
  }
  EXPECT_GT(with_components, 0);
}

}  // namespace
}  // namespace dfa
