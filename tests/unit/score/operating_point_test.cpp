#include "score/operating_point.hpp"

#include <gmock/gmock.h>

#include <array>
#include <limits>

namespace dfa {
namespace {

using testing::HasSubstr;

Calibration some_calibration() {
  return {.temperature = 2,
          .thresholds = {{"fpr1", 0.9, 0.008, 0.4}, {"fpr5", 0.7, 0.049, 0.6}},
          .set = "home videos",
          .reals = 140,
          .fakes = 140,
          .date = "2024-01-01"};
}

TEST(PFake, IsTheSoftmaxOfClassOne) {
  // 1 / (1 + e^-1), and the same at temperature 2 with twice the margin.
  EXPECT_NEAR(*p_fake_from_logits(std::array{0.5f, 1.5f}, 1), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(*p_fake_from_logits(std::array{0.5f, 2.5f}, 2), 0.7310585786300049, 1e-15);
  EXPECT_EQ(*p_fake_from_logits(std::array{3.f, 3.f}, 1), 0.5);
  EXPECT_EQ(*p_fake_from_logits(std::array{-3e38f, 3e38f}, 1), 1.0);
  EXPECT_EQ(*p_fake_from_logits(std::array{3e38f, -3e38f}, 1), 0.0);
}

TEST(PFake, IsAbsentWhereTheNetworkMeasuredNothing) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(p_fake_from_logits(std::array{kNan, 0.f}, 1));
  EXPECT_FALSE(p_fake_from_logits(std::array{0.f, kNan}, 1));
  EXPECT_FALSE(p_fake_from_logits(std::array{kInf, kInf}, 1));
  EXPECT_FALSE(p_fake_from_logits(std::array{0.f, kInf}, 1));
}

TEST(OperatingPointChoice, CalibratedModelDefaultsToFivePercent) {
  const auto point = choose_operating_point("", some_calibration());
  ASSERT_TRUE(point);
  EXPECT_EQ(point->name, "fpr5");
  EXPECT_EQ(point->threshold, 0.7);
  EXPECT_EQ(point->expected_fpr, 0.049);
  EXPECT_EQ(point->expected_tpr, 0.6);
  EXPECT_EQ(point->calibrated_on, "home videos");
  EXPECT_EQ(choose_operating_point("fpr1", some_calibration())->threshold, 0.9);
  EXPECT_EQ(verdict_at(*point, 0.7), Verdict::fake);
  EXPECT_EQ(verdict_at(*point, 0.699), Verdict::real);
  EXPECT_THAT(operating_point_text(*point), HasSubstr("4.9 % of real called fake"));
}

TEST(OperatingPointChoice, UncalibratedModelHasNoThresholdAndSaysSo) {
  const auto point = choose_operating_point("", std::nullopt);
  ASSERT_TRUE(point);
  EXPECT_FALSE(point->threshold);
  EXPECT_FALSE(point->calibrated_on);
  EXPECT_EQ(verdict_at(*point, 0.999), Verdict::inconclusive);
  EXPECT_THAT(operating_point_text(*point), HasSubstr("not validated"));
  const auto named = choose_operating_point("fpr1", std::nullopt);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::model_incompatible);
  EXPECT_THAT(named.error().message, HasSubstr("next step"));
}

TEST(OperatingPointChoice, CallersThresholdHasNoErrorRates) {
  const auto point = choose_operating_point("0.25", std::nullopt);
  ASSERT_TRUE(point);
  EXPECT_EQ(point->name, "custom");
  EXPECT_EQ(point->threshold, 0.25);
  EXPECT_FALSE(point->expected_fpr);
  EXPECT_FALSE(point->calibrated_on);
  EXPECT_THAT(operating_point_text(*point), HasSubstr("not validated"));
  EXPECT_EQ(choose_operating_point("0.25", some_calibration())->name, "custom");
}

TEST(OperatingPointChoice, WordsAndNumbersOutsideAreUsageErrors) {
  for (const char* wrong : {"0", "1", "-0.5", "1.5", "0.5x", " 0.5", "nan", "inf", "fpr2", "high"}) {
    const auto point = choose_operating_point(wrong, std::nullopt);
    ASSERT_FALSE(point) << wrong;
    EXPECT_EQ(point.error().code, ErrorCode::usage) << wrong;
    EXPECT_THAT(point.error().message, HasSubstr("fpr1, fpr5"));
  }
}

TEST(OperatingPointChoice, APointThatTheCalibrationLacksIsAnIncompatibleModel) {
  Calibration calibration = some_calibration();
  calibration.thresholds.pop_back();
  EXPECT_EQ(choose_operating_point("", calibration).error().code, ErrorCode::model_incompatible);
}

}  // namespace
}  // namespace dfa
