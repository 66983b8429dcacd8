// Sets by one word, and that no option is without effect.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "augment/augment.hpp"
#include "augment/augment_sets.hpp"

namespace dfa {
namespace {

Picture waves() {
  Picture picture{40, 40, {}};
  RngStream stream(1, "waves");
  for (int i = 0; i < 3 * 40 * 40; ++i)
    picture.rgb.push_back(static_cast<std::uint8_t>(90 + i % 40 + stream.below(40)));
  return picture;
}

struct Field {
  const char* name;
  std::function<void(AugmentOptions&)> on;       // always, at one strength
  std::function<void(AugmentOptions&)> changed;  // from `on`: one number more
};

const std::vector<Field>& fields() {
  using O = AugmentOptions;
  static const std::vector<Field> all = {
      {"crop",
       [](O& o) {
         o.crop = {1, 0.6, 0.6};
       },
       [](O& o) { o.crop.high = 0.9; }},
      {"flip", [](O& o) { o.flip = 1; }, [](O& o) { o.flip = 0; }},
      {"affine.degrees",
       [](O& o) {
         o.affine = {1, 10};
       },
       [](O& o) { o.affine.degrees = 20; }},
      {"affine.shift",
       [](O& o) {
         o.affine = {1, 0, 0.1};
       },
       [](O& o) { o.affine.shift = 0.2; }},
      {"affine.scale_low",
       [](O& o) {
         o.affine = {1, 0, 0, 0.5, 0.8};
       },
       [](O& o) { o.affine.scale_low = 0.7; }},
      {"affine.scale_high",
       [](O& o) {
         o.affine = {1, 0, 0, 0.5, 0.8};
       },
       [](O& o) { o.affine.scale_high = 0.7; }},
      {"affine.outside",
       [](O& o) {
         o.affine = {1, 0, 0.2};
       },
       [](O& o) { o.affine.outside = Outside::black; }},
      {"gain",
       [](O& o) {
         o.gain = {1, 0.8, 0.9};
       },
       [](O& o) { o.gain.low = 0.5; }},
      {"brightness",
       [](O& o) {
         o.brightness = {1, 0.1, 0.1};
       },
       [](O& o) { o.brightness.high = 0.5; }},
      {"contrast",
       [](O& o) {
         o.contrast = {1, 0.7, 0.7};
       },
       [](O& o) { o.contrast.low = 0.2; }},
      {"colour.light", [](O& o) { o.colour = {1, 0.2, 0, 0, 0, 0}; }, [](O& o) { o.colour.light = 0.4; }},
      {"colour.pca", [](O& o) { o.colour = {1, 0, 9, 0, 0, 0}; }, [](O& o) { o.colour.pca = 4; }},
      {"colour.hue", [](O& o) { o.colour = {1, 0, 0, 20, 0, 0}; }, [](O& o) { o.colour.hue = 60; }},
      {"colour.saturation", [](O& o) { o.colour = {1, 0, 0, 0, 30, 0}; }, [](O& o) { o.colour.saturation = 90; }},
      {"colour.value", [](O& o) { o.colour = {1, 0, 0, 0, 0, 20}; }, [](O& o) { o.colour.value = 90; }},
      {"grey", [](O& o) { o.grey = 1; }, [](O& o) { o.grey = 0; }},
      {"blur",
       [](O& o) {
         o.blur = {1, 1, 1};
       },
       [](O& o) { o.blur.high = 5; }},
      {"blur_side",
       [](O& o) {
         o.blur = {1, 2, 2};
       },
       [](O& o) { o.blur_side = 3; }},
      {"kernel_blur",
       [](O& o) {
         o.kernel_blur = {1, 3, 3};
       },
       [](O& o) {
         o.kernel_blur = {1, 5, 9};
       }},
      {"noise",
       [](O& o) {
         o.noise = {1, 5, 5};
       },
       [](O& o) { o.noise.high = 20; }},
      {"jpeg",
       [](O& o) {
         o.jpeg = {1, 50, 50};
       },
       [](O& o) { o.jpeg.low = 1; }},
      {"erase",
       [](O& o) {
         o.erase = {1, 0.1, 0.1};
       },
       [](O& o) { o.erase.high = 0.5; }},
  };
  return all;
}

// Some sample of twelve must differ: steps that are one of three do not happen to all.
int differing(const AugmentOptions& a, const AugmentOptions& b) {
  const Picture picture = waves();
  int count = 0;
  for (std::uint64_t i = 0; i < 12; ++i) {
    const auto x = augment(picture, a, augment_stream(1, 0, i)), y = augment(picture, b, augment_stream(1, 0, i));
    count += x && y && x->rgb != y->rgb ? 1 : 0;
  }
  return count;
}

TEST(AugmentOptions, NoFieldIsInert) {
  for (const Field& field : fields()) {
    AugmentOptions on;
    field.on(on);
    EXPECT_TRUE(check_augment(on)) << field.name;
    EXPECT_GT(differing({}, on), 0) << field.name;
    AugmentOptions changed = on;
    field.changed(changed);
    EXPECT_TRUE(check_augment(changed)) << field.name;
    EXPECT_GT(differing(on, changed), 0) << field.name;
  }
}

// What one step draws never shifts what another does.
TEST(AugmentOptions, ProbabilitiesAreKeptAndStepsAreIndependent) {
  const AugmentOptions strong = augment_options_of(AugmentSet::strong);
  int affine = 0, colour = 0, grey = 0, kernel = 0, noise = 0, jpeg = 0, flips = 0;
  std::set<ColourChange> changes;
  constexpr int kDraws = 4000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const AugmentDraws draws = draw_augment(strong, augment_stream(1, 0, i));
    affine += draws.affine ? 1 : 0, colour += draws.colour ? 1 : 0, grey += draws.grey ? 1 : 0;
    kernel += draws.kernel_blur ? 1 : 0, noise += draws.noise ? 1 : 0, jpeg += draws.jpeg ? 1 : 0;
    flips += draws.flip ? 1 : 0;
    if (draws.colour) changes.insert(draws.colour->change);
    EXPECT_EQ(draws.kernel_blur.value_or(3), 3);
    EXPECT_TRUE(draws.jpeg.value_or(60) >= 60 && draws.jpeg.value_or(60) <= 100);
    AugmentOptions other = strong;
    other.affine.p = other.colour.p = other.noise.p = 0;
    const AugmentDraws less = draw_augment(other, augment_stream(1, 0, i));
    EXPECT_EQ(less.jpeg, draws.jpeg);
    EXPECT_EQ(less.grey, draws.grey);
    EXPECT_EQ(less.kernel_blur, draws.kernel_blur);
  }
  const auto expect_share = [](int count, double p) {
    EXPECT_NEAR(count / double{kDraws}, p, 4.5 * std::sqrt(p * (1 - p) / kDraws));
  };
  expect_share(affine, 0.5), expect_share(colour, 0.7), expect_share(grey, 0.2), expect_share(kernel, 0.05);
  expect_share(noise, 0.1), expect_share(jpeg, 0.5), expect_share(flips, 0.5);
  EXPECT_EQ(changes.size(), 3U);
}

TEST(AugmentOptions, SetsAreAsPublished) {
  EXPECT_EQ(augment_options_of(AugmentSet::none), AugmentOptions{});
  const AugmentOptions standard = augment_options_of(AugmentSet::standard);
  EXPECT_EQ(standard.flip, 0.5);
  EXPECT_EQ(standard.affine.degrees, 10);
  EXPECT_EQ(standard.affine.shift, 0);
  EXPECT_EQ(standard.kernel_blur, (Chance{0.5, 3, 7}));
  EXPECT_EQ(standard.brightness, (Chance{0.5, -0.1, 0.1}));
  EXPECT_EQ(standard.jpeg, (Chance{0.5, 40, 100}));
  const AugmentOptions gend = augment_options_of(AugmentSet::gend);
  EXPECT_EQ(gend.affine, (AffineChance{1, 10, 0.1, 0.9, 1.1, Outside::black}));
  EXPECT_EQ(gend.blur, (Chance{0.1, 0.1, 2}));
  EXPECT_EQ(gend.blur_side, 7);
  EXPECT_EQ(gend.gain, (Chance{1, 0.9, 1.1}));
  EXPECT_EQ(gend.contrast, (Chance{1, 0.9, 1.1}));
  EXPECT_EQ(gend.jpeg, (Chance{1, 40, 100}));
  for (const AugmentSet set : kAugmentSets) {
    EXPECT_TRUE(check_augment(augment_options_of(set)));
    EXPECT_EQ(*augment_set_by_name(augment_set_name(set)), set);
  }
  EXPECT_NE(augment_set_by_name("weak").error().message.find("none, standard, gend, strong"), std::string::npos);
}

TEST(AugmentOptions, KernelSidesAreTheOddNumbersOfTheRange) {
  std::set<int> sides;
  AugmentOptions options;
  options.kernel_blur = {1, 3, 7};
  for (std::uint64_t i = 0; i < 60; ++i) sides.insert(*draw_augment(options, augment_stream(1, 0, i)).kernel_blur);
  EXPECT_EQ(sides, (std::set<int>{3, 5, 7}));
}

TEST(AugmentOptions, RefusesWhatMakesNoSense) {
  const auto message = [](auto change) {
    AugmentOptions options;
    change(options);
    const Status checked = check_augment(options);
    return checked ? std::string() : checked.error().message;
  };
  using O = AugmentOptions;
  EXPECT_NE(message([](O& o) { o.kernel_blur = {1, 4, 7}; }).find("two odd numbers"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.blur_side = 6; }).find("augment.blur_side"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.affine.scale_low = 2; }).find("augment.affine.scale_high"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.affine.shift = 0.7; }).find("augment.affine.shift"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.colour.p = -1; }).find("augment.colour.p"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.colour.hue = 100; }).find("augment.colour.hue"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.noise = {0, 5, 4}; }).find("augment.noise"), std::string::npos);
  EXPECT_NE(message([](O& o) { o.grey = 2; }).find("augment.grey"), std::string::npos);
}

}  // namespace
}  // namespace dfa
