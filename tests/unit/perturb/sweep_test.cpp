// The kinds whose levels are a scale: GenD's sweep, codecs, messengers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "unit/perturb/test_pictures.hpp"

namespace dfa::test {
namespace {

double damage(const Picture& input, const Perturbation& perturbation) {
  return difference(perturbed(input, perturbation), input).mean;
}

Picture small_portrait() {
  return perturbed(sample("astronaut.png"), {PerturbKind::gend, "RESIZE", 3});  // 224 bilinear
}

TEST(PerturbSweep, HigherLevelsDoMoreDamage) {
  const Picture input = small_portrait();
  for (const Perturbation& first :
       {Perturbation{PerturbKind::gend, "JPEG", 1}, Perturbation{PerturbKind::gend, "BLUR", 1},
        Perturbation{PerturbKind::gend, "NOISE", 1}, Perturbation{PerturbKind::recompress, "JPEG", 1},
        Perturbation{PerturbKind::recompress, "WEBP", 1}, Perturbation{PerturbKind::recompress, "H264", 1},
        Perturbation{PerturbKind::recompress, "H265", 1}, Perturbation{PerturbKind::deeperforensics, "VC", 1}}) {
    double last = -1;
    const auto levels = static_cast<int>((*find_code(first.kind, first.code))->levels.size());
    for (int level = 1; level <= levels; ++level) {
      const double here = damage(input, {first.kind, first.code, level});
      EXPECT_GT(here, last) << first.code << ' ' << level;
      last = here;
    }
  }
}

TEST(PerturbSweep, GendResizesTheShorterSideByEveryFilter) {
  const Picture input = ramp(300, 200);
  const auto levels = (*find_code(PerturbKind::gend, "RESIZE"))->levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Picture out = perturbed(input, {PerturbKind::gend, "RESIZE", static_cast<int>(i) + 1});
    const int shorter = std::stoi(levels[i]);
    EXPECT_EQ(out.height, shorter) << levels[i];
    EXPECT_EQ(out.width, 300 * shorter / 200) << levels[i];
    // A ramp stays that ramp under every filter.
    EXPECT_LE(difference(out, ramp(out.width, out.height)).largest, 3) << levels[i];
  }
}

TEST(PerturbSweep, GendNearestTakesPixelsAsTheyAre) {
  const Picture input = noise(128, 128);
  const Picture out = perturbed(input, {PerturbKind::gend, "RESIZE", 13});  // 64 nearest
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      ASSERT_TRUE(std::equal(out.view().row(y) + 3 * x, out.view().row(y) + 3 * x + 3,
                             input.view().row(2 * y + 1) + 3 * (2 * x + 1)));
}

// Cut to bytes, not rounded: half a level below on average.
TEST(PerturbSweep, GendNoiseHasItsSigma) {
  const Picture grey{100, 80, std::vector<std::uint8_t>(24000, 128)};
  const Picture out = perturbed(grey, {PerturbKind::gend, "NOISE", 4});
  EXPECT_NEAR(difference(out, grey).deviation, 0.05 * 255, 0.3);
  EXPECT_EQ(perturbed(grey, {PerturbKind::gend, "NOISE", 1}).rgb, grey.rgb);
}

TEST(PerturbSweep, MessengersShrinkAndNeverEnlarge) {
  const Picture large = ramp(1800, 30), small = ramp(200, 120);
  const std::map<std::string, std::vector<int>> longer_sides = {{"PHOTO", {1600, 1280, 1024, 800, 640}},
                                                                {"CLIP", {1280, 960, 848, 640, 480}}};
  for (const auto& [code, sides] : longer_sides)
    for (int level = 1; level <= 5; ++level) {
      const Perturbation perturbation{PerturbKind::messenger, code, level};
      EXPECT_EQ(perturbed(large, perturbation).width, sides[static_cast<std::size_t>(level - 1)]) << code << level;
      const Picture kept = perturbed(small, perturbation);
      EXPECT_EQ(kept.width, 200);
      EXPECT_EQ(kept.height, 120);
      EXPECT_GT(difference(kept, small).mean, 0) << code << level;
    }
}

}  // namespace
}  // namespace dfa::test
