// A whole calibration from made scores: what is fitted on which level, what is left out, and what is refused.
#include "eval/calibrate.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "eval/metric.hpp"
#include "model/describe.hpp"
#include "score/likelihood.hpp"
#include "score/operating_point.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Items of some crops each, whose margins share a part; reals and fakes in turn.
CalibrationSample made_sample(int items, int crops_per_item, double distance = 2, double scale = 3) {
  RngStream rng(11, "made calibration sample");
  CalibrationSample sample;
  for (int item = 0; item < items; ++item) {
    const int label = item % 2;
    const double centre = rng.normal() + (label == 1 ? distance : -distance) / 2;
    for (int crop = 0; crop < crops_per_item; ++crop)
      sample.add(scale * (centre + 0.7 * rng.normal()), label, static_cast<std::uint32_t>(item));
  }
  return sample;
}

const CalibrationFigure* figure(const Calibration& calibration, std::string_view level, std::string_view metric) {
  for (const CalibrationFigure& one : calibration.figures)
    if (one.level == level && one.metric == metric) return &one;
  return nullptr;
}

TEST(Calibrate, FitsAndSaysWhatItDid) {
  const CalibrationSample sample = made_sample(800, 4);
  const auto outcome = calibrate(sample, {});
  ASSERT_TRUE(outcome) << outcome.error().message;
  const Calibration& calibration = outcome->calibration;
  EXPECT_GT(calibration.temperature, 1);  // margins were made three times too large
  EXPECT_EQ(calibration.reals, 400);
  EXPECT_EQ(calibration.fakes, 400);
  EXPECT_EQ(calibration.real_crops, 1600);
  ASSERT_THAT(calibration.thresholds, SizeIs(2));
  EXPECT_GT(calibration.thresholds[0].threshold, calibration.thresholds[1].threshold);
  EXPECT_LE(calibration.thresholds[0].measured_fpr, 0.01);
  EXPECT_LE(calibration.thresholds[1].measured_fpr, 0.05);
  EXPECT_TRUE(calibration.left_out.empty());
  for (const char* metric : {"nll", "brier", "ece_width", "ece_mass"})
    EXPECT_LT(figure(calibration, "frame", metric)->after, figure(calibration, "frame", metric)->before) << metric;
  ASSERT_NE(figure(calibration, "video", "cllr"), nullptr);
  ASSERT_TRUE(calibration.evidence);
  EXPECT_LE(calibration.evidence->cllr_min, calibration.evidence->cllr);
  EXPECT_LT(calibration.evidence->cllr, 1);
  EXPECT_FALSE(calibration.frame_reliability.empty());
  long counted = 0;
  for (const ReliabilityPoint& point : calibration.video_reliability) counted += point.count;
  EXPECT_EQ(counted, 800);
  ASSERT_THAT(outcome->band, SizeIs(2));
  EXPECT_LT(outcome->band[0].coverage, 1);
  EXPECT_LT(*outcome->band[0].error_with, outcome->band[0].error_without);
}

// The trap: a temperature is of crops, a threshold of items. Their levels must not be mixed.
TEST(Calibrate, TemperatureIsOfCropsAndThresholdsAreOfItems) {
  const CalibrationSample many = made_sample(200, 8);
  const auto outcome = calibrate(many, {});
  ASSERT_TRUE(outcome);
  // 100 real items are too few for fpr1, whatever the 800 real crops.
  ASSERT_NE(outcome->calibration.why_left_out("fpr1"), nullptr);
  EXPECT_THAT(outcome->calibration.why_left_out("fpr1")->reason, HasSubstr("100 real items"));
  const Threshold& fpr5 = outcome->calibration.thresholds.at(0);
  const ItemScores items = item_scores(many, outcome->calibration.temperature);
  double false_alarms = 0;
  for (std::size_t i = 0; i < items.labels.size(); ++i)
    false_alarms += items.labels[i] == 0 && items.p_fake[i] >= fpr5.threshold ? 1 : 0;
  EXPECT_DOUBLE_EQ(fpr5.measured_fpr, false_alarms / 100);
  // Every crop as an item of its own: the temperature is the same, the threshold is not.
  CalibrationSample alone = many;
  for (std::size_t i = 0; i < alone.items.size(); ++i) alone.items[i] = static_cast<std::uint32_t>(i);
  const auto crops = calibrate(alone, {});
  ASSERT_TRUE(crops);
  EXPECT_EQ(crops->calibration.temperature, outcome->calibration.temperature);
  EXPECT_NE(crops->calibration.thresholds.back().threshold, fpr5.threshold);
}

TEST(Calibrate, ATemperatureKeepsTheOrderOfCrops) {
  const CalibrationSample sample = made_sample(60, 5);
  for (const double temperature : {0.2, 1.0, 7.5}) {
    const std::vector<double> p_fake = crop_scores(sample, temperature);
    EXPECT_NEAR(*measure(Metric::auc, p_fake, sample.labels).value,
                *measure(Metric::auc, sample.margins, sample.labels).value, 1e-12);
  }
  // Of items it does not: means of probabilities may change places.
  CalibrationSample two;
  two.add(4, 0, 0);
  two.add(-4, 0, 0);
  two.add(0.5, 1, 1);
  two.add(-1, 1, 1);
  EXPECT_LT(item_scores(two, 1).p_fake[1], item_scores(two, 1).p_fake[0]);
  two.margins = {4, -6, 0.5, -1};
  EXPECT_LT(item_scores(two, 1).p_fake[1], item_scores(two, 1).p_fake[0]);
  EXPECT_GT(item_scores(two, 8).p_fake[1], item_scores(two, 8).p_fake[0]);
}

TEST(Calibrate, TheOrderOfTheInputDoesNotMatter) {
  const CalibrationSample sample = made_sample(150, 3);
  CalibrationSample turned = sample;
  std::reverse(turned.margins.begin(), turned.margins.end());
  std::reverse(turned.labels.begin(), turned.labels.end());
  std::reverse(turned.items.begin(), turned.items.end());
  const auto a = calibrate(sample, {}), b = calibrate(turned, {});
  ASSERT_TRUE(a);
  ASSERT_TRUE(b);
  EXPECT_NEAR(a->calibration.temperature, b->calibration.temperature, 1e-12);
  EXPECT_NEAR(a->calibration.thresholds[0].threshold, b->calibration.thresholds[0].threshold, 1e-12);
  EXPECT_NEAR(a->calibration.evidence->slope, b->calibration.evidence->slope, 1e-9);
}

TEST(Calibrate, IsotonicRatiosNeverFall) {
  const auto outcome = calibrate(made_sample(300, 2), {.map = EvidenceMap::isotonic, .abstain_error = 0.1});
  ASSERT_TRUE(outcome);
  const Evidence& evidence = outcome->calibration.evidence.value();
  EXPECT_FALSE(evidence.points.empty());
  double last = 0;
  for (int i = 0; i <= 1000; ++i) {
    const double value = likelihood_ratio(evidence, i / 1000.0).value;
    EXPECT_GE(value, last);
    last = value;
  }
  EXPECT_LE(last, evidence.highest);
  EXPECT_EQ(outcome->calibration.abstain->error, 0.1);
}

TEST(Calibrate, WithoutABandVerdictsArePlain) {
  const auto outcome = calibrate(made_sample(300, 2), {.map = EvidenceMap::logistic, .abstain_error = std::nullopt});
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->calibration.abstain);
  EXPECT_TRUE(outcome->band.empty());
}

// No band may call an item fake that was not called so without it.
TEST(Calibrate, TheBandKeepsThePromiseOfTheThreshold) {
  const auto outcome = calibrate(made_sample(700, 1), {});
  ASSERT_TRUE(outcome);
  for (const char* name : {"fpr1", "fpr5"}) {
    const auto point = choose_operating_point(name, outcome->calibration);
    ASSERT_TRUE(point);
    OperatingPoint plain = *point;
    plain.abstain.reset();
    int doubtful = 0;
    for (int i = 0; i <= 1000; ++i) {
      const double p_fake = i / 1000.0;
      const Verdict verdict = verdict_at(*point, p_fake);
      EXPECT_TRUE(verdict == Verdict::inconclusive || verdict == verdict_at(plain, p_fake));
      doubtful += verdict == Verdict::inconclusive ? 1 : 0;
    }
    EXPECT_GT(doubtful, 0);
    EXPECT_THAT(operating_point_text(*point), HasSubstr("inconclusive from"));
  }
}

TEST(Calibrate, ASmallSeparatedSetLeavesOutWhatItCannotCarry) {
  CalibrationSample sample;
  for (std::uint32_t item = 0; item < 140; ++item) sample.add(item % 2 == 1 ? 1 + item : -1.0 - item, item % 2, item);
  const auto outcome = calibrate(sample, {});
  ASSERT_TRUE(outcome);
  const Calibration& calibration = outcome->calibration;
  EXPECT_EQ(calibration.temperature, 1);
  EXPECT_THAT(calibration.why_left_out("temperature")->reason, HasSubstr("it stays 1"));
  EXPECT_NE(calibration.why_left_out("fpr1"), nullptr);
  EXPECT_NE(calibration.why_left_out("likelihood_ratio"), nullptr);
  EXPECT_NE(calibration.why_left_out("abstain"), nullptr);
  ASSERT_THAT(calibration.thresholds, SizeIs(1));
  EXPECT_EQ(calibration.thresholds[0].name, "fpr5");
  EXPECT_THAT(calibration_text(calibration), HasSubstr("fpr1: left out: 70 real items"));
}

TEST(Calibrate, RefusesWhatIsNoCalibrationSet) {
  const auto message = [](const CalibrationSample& sample) {
    const auto outcome = calibrate(sample, {});
    EXPECT_FALSE(outcome);
    if (outcome) return std::string();
    EXPECT_EQ(outcome.error().code, ErrorCode::manifest_invalid);
    return outcome.error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("0 real and 0 fake items"));
  CalibrationSample reals;
  for (std::uint32_t i = 0; i < 10; ++i) reals.add(i, 0, i);
  EXPECT_THAT(message(reals), HasSubstr("10 real and 0 fake items"));
  CalibrationSample mixed = made_sample(40, 2);
  mixed.labels[0] = 1;
  EXPECT_THAT(message(mixed), HasSubstr("real and fake crops"));
  CalibrationSample flipped = made_sample(200, 2);
  for (int& label : flipped.labels) label = 1 - label;
  EXPECT_THAT(message(flipped), HasSubstr("labels that mean the opposite"));
  CalibrationSample tiny;
  tiny.add(-1, 0, 0);
  tiny.add(1, 1, 1);
  const std::string nothing = message(tiny);
  EXPECT_THAT(nothing, HasSubstr("nothing can be calibrated"));
  EXPECT_THAT(nothing, HasSubstr("58 missing"));
}

TEST(CalibrationSample, TakesLabelledScoredRowsWithTheirMargins) {
  ScoreTable table;
  const auto add = [&](std::string_view path, std::string_view video, std::optional<int> label,
                       std::optional<double> p_fake, std::optional<double> margin) {
    ScoreRow row;
    row.path = path;
    row.video = video;
    row.label = label;
    row.p_fake = p_fake;
    row.margin = margin;
    row.outcome = p_fake ? Outcome::scored : Outcome::decode_error;
    ASSERT_TRUE(table.add(row));
  };
  add("a", "unlabelled", std::nullopt, 0.5, 0.0);
  add("b", "v", 1, 0.7, 0.8);
  add("c", "broken", 0, std::nullopt, std::nullopt);
  add("d", "w", 0, 0.4, -0.3);
  add("e", "v", 1, 0.6, 0.4);
  const auto sample = calibration_sample(table);
  ASSERT_TRUE(sample);
  EXPECT_THAT(sample->margins, testing::ElementsAre(0.8, -0.3, 0.4));
  EXPECT_THAT(sample->items, testing::ElementsAre(0u, 1u, 0u));
  add("f", "w", 0, 0.4, std::nullopt);
  EXPECT_THAT(calibration_sample(table).error().message, HasSubstr("without a margin"));
}

}  // namespace
}  // namespace dfa
