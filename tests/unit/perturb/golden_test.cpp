// Against the data-set authors' own functions (OpenCV 4.12), run on a portrait that lies outside the repository.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "media/read_picture.hpp"
#include "support/shared.hpp"
#include "unit/perturb/test_pictures.hpp"

namespace dfa::test {
namespace {

constexpr int kLevels = 5;

Picture shared_picture(const std::string& name) {
  auto picture = read_picture(shared_path("oracle/perturb/" + name), MediaLimits{});
  if (picture) return std::move(*picture);
  ADD_FAILURE() << picture.error().message;
  return {};
}

Difference against_golden(const Picture& input, const std::string& code, int level) {
  const Picture golden = shared_picture(code + "_" + std::to_string(level) + ".png");
  return difference(perturbed(input, {PerturbKind::deeperforensics, code, level}), golden);
}

TEST(DeeperForensicsGolden, DimmingBlurAndPixelationAreEqual) {
  DFA_REQUIRE_SHARED();
  const Picture input = shared_picture("input.png");
  for (const std::string code : {"CC", "GB", "JPEG"})
    for (int level = 1; level <= kLevels; ++level)
      EXPECT_EQ(against_golden(input, code, level).largest, 0) << code << ' ' << level;
}

// Equal where this was written; one rounding more or less before the cut to a byte is a grey level.
TEST(DeeperForensicsGolden, SaturationIsWithinOneGreyLevel) {
  DFA_REQUIRE_SHARED();
  const Picture input = shared_picture("input.png");
  for (int level = 1; level <= kLevels; ++level) {
    const Difference apart = against_golden(input, "CS", level);
    EXPECT_LE(apart.largest_around, 1) << level;
    EXPECT_LE(apart.bytes_changed, 0.001) << level;
    std::printf("  CS %d: largest difference %d, %.6f of the bytes differ\n", level, apart.largest_around,
                apart.bytes_changed);
  }
}

// The means of our runs and of the authors' 20, both with the spread of one run.
TEST(DeeperForensicsGolden, NoiseAndBlocksHaveTheStatistics) {
  DFA_REQUIRE_SHARED();
  constexpr int kRuns = 8, kTheirRuns = 20;
  constexpr double kSigmas = 4;
  const Picture input = shared_picture("input.png");
  std::ifstream file(shared_path("oracle/perturb/golden.json"));
  const auto golden = nlohmann::json::parse(file).at("random_kinds");
  ASSERT_EQ(golden.size(), 10U);
  for (const std::string code : {"GNC", "BW"})
    for (int level = 1; level <= kLevels; ++level) {
      Difference mean;
      for (int run = 0; run < kRuns; ++run) {
        const Perturbation perturbation{PerturbKind::deeperforensics, code, level};
        const Difference one = difference(perturbed(input, perturbation, static_cast<std::uint64_t>(run)), input);
        mean.mean += one.mean / kRuns;
        mean.deviation += one.deviation / kRuns;
        mean.pixels_changed += one.pixels_changed / kRuns;
      }
      const auto& want = golden.at(code + "_" + std::to_string(level));
      const auto& spread = want.at("spread_over_20_runs");
      const double share = kSigmas * std::sqrt(1.0 / kRuns + 1.0 / kTheirRuns);
      const auto tolerance = [&](int i) { return share * spread.at(static_cast<std::size_t>(i)).get<double>(); };
      EXPECT_NEAR(mean.mean, want.at("mean_abs_difference").get<double>(), tolerance(0)) << code << level;
      EXPECT_NEAR(mean.deviation, want.at("std_of_difference").get<double>(), tolerance(1)) << code << level;
      EXPECT_NEAR(mean.pixels_changed, want.at("share_of_pixels_changed").get<double>(), tolerance(2)) << code << level;
    }
}

}  // namespace
}  // namespace dfa::test
