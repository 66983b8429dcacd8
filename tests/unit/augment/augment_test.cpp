#include "augment/augment.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace dfa {
namespace {

Picture noise(int width, int height, std::uint64_t seed = 1) {
  RngStream stream(seed, "noise");
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  for (std::uint8_t& byte : picture.rgb) byte = static_cast<std::uint8_t>(stream.below(256));
  return picture;
}

// Smooth, so that a codec has something to keep.
Picture ramp(int side) {
  Picture picture{side, side, {}};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (const int value : {200 * x / side + 20, 200 * y / side + 20, 128})
        picture.rgb.push_back(static_cast<std::uint8_t>(value));
  return picture;
}

double mean(const Picture& picture) {
  return std::accumulate(picture.rgb.begin(), picture.rgb.end(), 0.0) / static_cast<double>(picture.rgb.size());
}

double mean_difference(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

AugmentOptions everything() {
  AugmentOptions options;
  options.flip = 0.5;
  for (Chance* chance :
       {&options.crop, &options.brightness, &options.contrast, &options.blur, &options.jpeg, &options.erase})
    chance->p = 0.5;
  return options;
}

TEST(Augment, DefaultsChangeNothing) {
  const Picture picture = noise(17, 13);
  const auto same = augment(picture, {}, augment_stream(1, 2, 3));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->rgb, picture.rgb);
}

TEST(Augment, DependsOnSeedEpochAndSampleAlone) {
  const Picture picture = noise(32, 32);
  AugmentOptions always = everything();
  always.brightness.p = always.crop.p = 1;
  const auto one = augment(picture, always, augment_stream(1, 2, 3));
  ASSERT_TRUE(one);
  EXPECT_EQ(augment(picture, always, augment_stream(1, 2, 3))->rgb, one->rgb);
  EXPECT_NE(augment(picture, always, augment_stream(1, 2, 4))->rgb, one->rgb);
  EXPECT_NE(augment(picture, always, augment_stream(1, 3, 3))->rgb, one->rgb);
  EXPECT_NE(augment(picture, always, augment_stream(2, 2, 3))->rgb, one->rgb);
}

TEST(Augment, OptionsDoNotShiftEachOther) {
  const Picture picture = ramp(32);
  AugmentOptions flip;
  flip.flip = 0.5;
  AugmentOptions flip_and_more = flip;
  flip_and_more.crop = {1e-12, 0.5, 0.6};  // drawn, never applied
  flip_and_more.jpeg.high = 61;
  int flips = 0;
  for (std::uint64_t i = 0; i < 64; ++i) {
    const auto a = augment(picture, flip, augment_stream(1, 0, i)),
               b = augment(picture, flip_and_more, augment_stream(1, 0, i));
    EXPECT_EQ(a->rgb, b->rgb);
    flips += a->rgb == picture.rgb ? 0 : 1;
  }
  EXPECT_GT(flips, 16);
  EXPECT_LT(flips, 48);
}

TEST(Augment, FlipMirrorsPixelsNotBytes) {
  const Picture picture = noise(5, 2);
  const Picture flipped = flip_left_right(picture);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 5; ++x)
      for (int c = 0; c < 3; ++c) EXPECT_EQ(flipped.view().row(y)[3 * x + c], picture.view().row(y)[3 * (4 - x) + c]);
  EXPECT_EQ(flip_left_right(flipped).rgb, picture.rgb);
}

TEST(Augment, BrightnessAndContrast) {
  const Picture picture = ramp(32);
  EXPECT_NEAR(mean(adjust_brightness(picture, 0.1)), mean(picture) + 25.5, 1.0);
  EXPECT_EQ(adjust_brightness(picture, 2).rgb, std::vector<std::uint8_t>(picture.rgb.size(), 255));
  EXPECT_NEAR(mean(adjust_contrast(picture, 0.5, mean_level(picture))), mean(picture), 0.6);
  const Picture flat = adjust_contrast(picture, 0, mean_level(picture));
  EXPECT_EQ(*std::min_element(flat.rgb.begin(), flat.rgb.end()), *std::max_element(flat.rgb.begin(), flat.rgb.end()));
}

TEST(Augment, BlurKeepsTheMeanAndSmooths) {
  const Picture picture = noise(64, 64);
  const Picture blurred = blur_gaussian(picture, 1.5);
  EXPECT_NEAR(mean(blurred), mean(picture), 1.0);
  EXPECT_GT(mean_difference(picture, Picture{64, 64, std::vector<std::uint8_t>(picture.rgb.size(), 128)}),
            3 * mean_difference(blurred, Picture{64, 64, std::vector<std::uint8_t>(picture.rgb.size(), 128)}));
  EXPECT_EQ(blur_gaussian(picture, 0).rgb, picture.rgb);
}

TEST(Augment, JpegLosesLessAtHigherQuality) {
  const Picture picture = ramp(48);
  const auto low = reencode_jpeg(picture, 20), high = reencode_jpeg(picture, 98);
  ASSERT_TRUE(low && high);
  EXPECT_GT(mean_difference(picture, *low), mean_difference(picture, *high));
  EXPECT_LT(mean_difference(picture, *high), 2.0);
  EXPECT_FALSE(reencode_jpeg(picture, 0));
  EXPECT_FALSE(reencode_jpeg(picture, 101));
  EXPECT_TRUE(reencode_jpeg(noise(1, 1), 50));
  const auto odd = reencode_jpeg(noise(17, 9), 90);
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->rgb.size(), 3U * 17 * 9);
}

TEST(Augment, CropEnlargesAWindowAndEraseFillsARectangle) {
  const Picture picture = ramp(40);
  AugmentOptions crop;
  crop.crop = {1, 0.5, 0.5};
  const auto cropped = augment(picture, crop, augment_stream(1, 0, 0));
  ASSERT_TRUE(cropped);
  EXPECT_EQ(cropped->width, 40);
  // Half the side of a ramp: half the span of its red.
  const auto span = [](const Picture& p) { return p.view().row(20)[3 * 39] - p.view().row(20)[0]; };
  EXPECT_NEAR(span(*cropped), span(picture) / 2.0, 4.0);

  AugmentOptions erase;
  erase.erase = {1, 0.1, 0.1};
  const Picture before = noise(40, 40);
  const auto erased = augment(before, erase, augment_stream(1, 0, 0));
  int changed = 0;
  for (std::size_t i = 0; i < before.rgb.size(); i += 3)
    changed += std::equal(&before.rgb[i], &before.rgb[i] + 3, &erased->rgb[i]) ? 0 : 1;
  EXPECT_NEAR(changed, 160, 30);
}

TEST(Augment, RefusesWhatMakesNoSense) {
  AugmentOptions options;
  options.jpeg = {0.5, 0, 100};
  EXPECT_NE(check_augment(options).error().message.find("augment.jpeg"), std::string::npos);
  options = {};
  options.blur = {1.5, 0, 1};
  EXPECT_NE(check_augment(options).error().message.find("augment.blur.p"), std::string::npos);
  options = {};
  options.crop = {0.5, 1, 0.9};
  EXPECT_FALSE(check_augment(options));
  options = {};
  options.flip = std::nan("");
  EXPECT_FALSE(check_augment(options));
  EXPECT_TRUE(check_augment(everything()));
  EXPECT_FALSE(augment(Picture{}, {}, augment_stream(1, 0, 0)));
}

}  // namespace
}  // namespace dfa
