// The fits of a calibration against scipy and scikit-learn (tests/golden/eval/make_calibration_golden.py), and what
// must hold of them whatever the numbers.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.hpp"
#include "base/rng.hpp"
#include "eval/calibrate_evidence.hpp"
#include "eval/calibrate_isotonic.hpp"
#include "eval/calibrate_temperature.hpp"
#include "eval/calibrate_thresholds.hpp"
#include "score/likelihood.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using Numbers = std::vector<double>;
using Labels = std::vector<int>;

const json& golden() {
  static const json read =
      json::parse(read_text_file(test::source_path("tests/golden/eval/calibration.json"), 1 << 20).value_or("{}"));
  return read;
}

TEST(TemperatureFit, IsThatOfScipy) {
  ASSERT_EQ(golden().at("temperatures").size(), 24u);
  for (const json& one : golden().at("temperatures")) {
    const TemperatureFit fit = fit_temperature(one.at("margins").get<Numbers>(), one.at("labels").get<Labels>());
    EXPECT_EQ(fit.finding, TemperatureFinding::fitted);
    const double expected = one.at("temperature").get<double>();
    EXPECT_NEAR(fit.temperature, expected, 1e-10 * expected);
  }
}

TEST(TemperatureFit, ScalesWithTheLogits) {
  const json& one = golden().at("temperatures").at(0);
  Numbers margins = one.at("margins").get<Numbers>();
  const auto labels = one.at("labels").get<Labels>();
  const double temperature = fit_temperature(margins, labels).temperature;
  for (double& margin : margins) margin *= 4;
  EXPECT_NEAR(fit_temperature(margins, labels).temperature, 4 * temperature, 1e-12 * temperature);
}

TEST(TemperatureFit, WhereNoFiniteOptimumExistsThereIsNoNumber) {
  EXPECT_EQ(fit_temperature(Numbers{-2, -1, 1, 3}, Labels{0, 0, 1, 1}).finding, TemperatureFinding::separable);
  EXPECT_EQ(fit_temperature(Numbers{-2, 0, 0, 3}, Labels{0, 0, 1, 1}).finding, TemperatureFinding::separable);
  EXPECT_EQ(fit_temperature(Numbers{1, 2, -1, -2}, Labels{0, 0, 1, 1}).finding, TemperatureFinding::no_information);
  EXPECT_EQ(fit_temperature(Numbers{1, 1, 1, 1}, Labels{0, 0, 1, 1}).finding, TemperatureFinding::no_information);
  EXPECT_EQ(fit_temperature(Numbers{0, 0}, Labels{0, 1}).finding, TemperatureFinding::no_information);
  EXPECT_EQ(fit_temperature(Numbers{-1, 1e30, 1.1e30}, Labels{0, 0, 1}).finding, TemperatureFinding::out_of_range);
  for (const Numbers& margins : {Numbers{-2, -1, 1, 3}, Numbers{1, 2, -1, -2}})
    EXPECT_EQ(fit_temperature(margins, Labels{0, 0, 1, 1}).temperature, 1);
}

TEST(IsotonicFit, IsThatOfScikitLearn) {
  ASSERT_EQ(golden().at("maps").size(), 24u);
  for (const json& one : golden().at("maps")) {
    const auto blocks = fit_isotonic(one.at("p_fake").get<Numbers>(), one.at("labels").get<Labels>());
    const auto points = isotonic_points(blocks);
    for (std::size_t i = 1; i < points.size(); ++i) {
      EXPECT_GT(points[i].p_fake, points[i - 1].p_fake);
      EXPECT_GE(points[i].posterior, points[i - 1].posterior);
    }
    const auto where = one.at("isotonic_at").get<Numbers>(), expected = one.at("isotonic").get<Numbers>();
    for (std::size_t i = 0; i < where.size(); ++i)
      EXPECT_NEAR(isotonic_posterior(points, where[i]), expected[i], 1e-12);
  }
}

TEST(IsotonicFit, TiesAreOneBlockInAnyOrder) {
  const auto blocks = fit_isotonic(Numbers{0.5, 0.2, 0.5, 0.5, 0.9}, Labels{1, 0, 0, 0, 1});
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[1].items, 3u);
  EXPECT_DOUBLE_EQ(blocks[1].value(), 1.0 / 3);
  const auto again = fit_isotonic(Numbers{0.5, 0.5, 0.9, 0.2, 0.5}, Labels{0, 1, 1, 0, 0});
  EXPECT_DOUBLE_EQ(again[1].value(), blocks[1].value());
}

TEST(LogisticFit, IsThatOfScipyAndSoAreCllrAndItsMinimum) {
  for (const json& one : golden().at("maps")) {
    const auto p_fake = one.at("p_fake").get<Numbers>();
    const auto labels = one.at("labels").get<Labels>();
    const auto fitted = fit_evidence(p_fake, labels, EvidenceMap::logistic);
    ASSERT_TRUE(std::holds_alternative<Evidence>(fitted));
    const Evidence& evidence = std::get<Evidence>(fitted);
    EXPECT_NEAR(evidence.slope, one.at("slope").get<double>(), 1e-9);
    EXPECT_NEAR(evidence.offset, one.at("offset").get<double>(), 1e-9);
    EXPECT_NEAR(evidence.prior_log_odds, one.at("prior_log_odds").get<double>(), 1e-14);
    EXPECT_NEAR(evidence.cllr, one.at("cllr").get<double>(), 1e-10);
    EXPECT_NEAR(evidence.cllr_min, one.at("cllr_min").get<double>(), 1e-12);
    EXPECT_LE(evidence.cllr_min, evidence.cllr);
    EXPECT_DOUBLE_EQ(cllr_min_of(p_fake, labels), evidence.cllr_min);
  }
}

TEST(Cllr, OfSayingNothingIsOneBit) {
  EXPECT_DOUBLE_EQ(cllr_of(Numbers{0, 0, 0}, Labels{0, 1, 1}), 1);
  EXPECT_DOUBLE_EQ(cllr_min_of(Numbers{0.3, 0.3, 0.3}, Labels{0, 1, 1}), 1);
  EXPECT_DOUBLE_EQ(cllr_min_of(Numbers{0.1, 0.3, 0.4}, Labels{0, 1, 1}), 0);
  // A ratio of e^800 on the wrong side costs 400 / ln 2 bits a class, not infinity.
  EXPECT_NEAR(cllr_of(Numbers{800, 0}, Labels{0, 1}), (800 / std::log(2.0) + 1) / 2, 1e-9);
}

TEST(Evidence, IsLeftOutWhereTheSetDoesNotSupportIt) {
  Numbers p_fake;
  Labels labels;
  for (int i = 0; i < 40; ++i) {
    p_fake.push_back(0.2 + 0.01 * i);
    labels.push_back(i < 20 ? 0 : 1);
  }
  const auto reason = [&](EvidenceMap map = EvidenceMap::logistic) {
    const auto fitted = fit_evidence(p_fake, labels, map);
    return std::holds_alternative<UnsupportedPart>(fitted) ? std::get<UnsupportedPart>(fitted).reason : std::string();
  };
  EXPECT_THAT(reason(), HasSubstr("no finite optimum"));
  // The isotonic map of a separated set is 0 and 1; the size of the set bounds its ratios.
  const auto isotonic = fit_evidence(p_fake, labels, EvidenceMap::isotonic);
  ASSERT_TRUE(std::holds_alternative<Evidence>(isotonic));
  const LikelihoodRatio top = likelihood_ratio(std::get<Evidence>(isotonic), 1);
  EXPECT_DOUBLE_EQ(top.value, 21);
  EXPECT_EQ(top.bound, LikelihoodBound::highest);
  EXPECT_DOUBLE_EQ(likelihood_ratio(std::get<Evidence>(isotonic), 0).value, 1.0 / 21);
  for (int& label : labels) label = 1 - label;
  std::swap(labels[0], labels[39]);
  EXPECT_THAT(reason(), HasSubstr("do not go with more fakes"));
  labels.pop_back();
  p_fake.pop_back();
  EXPECT_THAT(reason(), HasSubstr("at least 20 of each"));
}

TEST(Thresholds, BinomialLimitsAreThoseOfScipy) {
  for (const json& one : golden().at("clopper_pearson")) {
    const ShareInterval interval = clopper_pearson(one[0].get<std::size_t>(), one[1].get<std::size_t>());
    EXPECT_NEAR(interval.low, one[2].get<double>(), 1e-10);
    EXPECT_NEAR(interval.high, one[3].get<double>(), 1e-10);
  }
  EXPECT_EQ(reals_needed(0.01), 299u);
  EXPECT_EQ(reals_needed(0.05), 59u);
  for (const json& one : golden().at("allowed")) {
    const auto reals = one[0].get<std::size_t>();
    const double fpr = one[1].get<double>();
    EXPECT_EQ(reals >= reals_needed(fpr), one[2].get<int>() >= 0) << reals;
    if (reals >= reals_needed(fpr)) {
      EXPECT_EQ(false_alarms_allowed(reals, fpr), one[2].get<std::size_t>()) << reals;
    }
  }
}

// Item scores 0.001, 0.002, ... of reals, and as many fakes half a step above the upper ones.
struct Ladder {
  explicit Ladder(int reals) {
    for (int i = 1; i <= reals; ++i) {
      scores.push_back(0.001 * i);
      labels.push_back(0);
      scores.push_back(0.001 * i + 0.0005 + 0.2);
      labels.push_back(1);
    }
  }
  Numbers scores;
  Labels labels;
};

TEST(Thresholds, TooFewRealsAreRefusedWithTheNumberThatIsMissing) {
  const Ladder ladder(140);
  const auto strict = promised_threshold(kPromisedPoints[0], ladder.scores, ladder.labels);
  ASSERT_TRUE(std::holds_alternative<UnsupportedPart>(strict));
  EXPECT_EQ(std::get<UnsupportedPart>(strict).name, "fpr1");
  EXPECT_THAT(std::get<UnsupportedPart>(strict).reason, HasSubstr("140 real items"));
  EXPECT_THAT(std::get<UnsupportedPart>(strict).reason, HasSubstr("needs 299 of them: 159 missing"));
  const auto loose = promised_threshold(kPromisedPoints[1], ladder.scores, ladder.labels);
  ASSERT_TRUE(std::holds_alternative<Threshold>(loose));
  const Threshold& threshold = std::get<Threshold>(loose);
  // Two false alarms among 140 are the most for which P(Binomial(140, 0.05) <= k) <= 0.05.
  EXPECT_DOUBLE_EQ(threshold.measured_fpr, 2.0 / 140);
  EXPECT_GT(threshold.threshold, 0.138);
  EXPECT_LT(threshold.threshold, 0.139);
  EXPECT_DOUBLE_EQ(threshold.measured_tpr, 1);
  EXPECT_EQ(threshold.tpr_interval->high, 1);
  EXPECT_LT(threshold.tpr_interval->low, 1);
}

TEST(Thresholds, TiedRealsStayTogetherBelow) {
  Numbers scores(100, 0.5);
  Labels labels(100, 0);
  scores.push_back(0.5);
  labels.push_back(1);
  EXPECT_TRUE(std::holds_alternative<UnsupportedPart>(promised_threshold(kPromisedPoints[1], scores, labels)));
  scores.push_back(0.75);
  labels.push_back(1);
  const auto point = promised_threshold(kPromisedPoints[1], scores, labels);
  ASSERT_TRUE(std::holds_alternative<Threshold>(point));
  EXPECT_EQ(std::get<Threshold>(point).threshold, 0.625);
  EXPECT_EQ(std::get<Threshold>(point).measured_fpr, 0);
  EXPECT_EQ(std::get<Threshold>(point).measured_tpr, 0.5);
  scores.assign(100, 1.0);
  labels.assign(100, 0);
  scores.push_back(1);
  labels.push_back(1);
  EXPECT_TRUE(std::holds_alternative<UnsupportedPart>(promised_threshold(kPromisedPoints[1], scores, labels)));
}

TEST(Thresholds, KeepTheirPromiseInNineteenOfTwentySets) {
  // Reals uniform on [0, 1]: the true false-positive rate at t is 1 - t.
  RngStream rng(5, "calibration promise");
  constexpr int kSets = 2000;
  int kept = 0;
  for (int set = 0; set < kSets; ++set) {
    Numbers scores(120);
    Labels labels(120, 0);
    for (double& score : scores) score = rng.uniform();
    scores.push_back(1);
    labels.push_back(1);
    const auto point = promised_threshold(kPromisedPoints[1], scores, labels);
    ASSERT_TRUE(std::holds_alternative<Threshold>(point));
    kept += 1 - std::get<Threshold>(point).threshold <= 0.05 ? 1 : 0;
  }
  // 95 % are promised; half a standard error and more below that would be a fault of ours.
  EXPECT_GE(kept, 0.95 * kSets - 2 * std::sqrt(0.95 * 0.05 * kSets));
}

TEST(Abstention, TheBandIsWhereVerdictsErrTooOften) {
  Evidence evidence;
  evidence.slope = 1.5;
  evidence.offset = 0.4;
  evidence.prior_log_odds = 0.7;
  evidence.lowest = 1e-3;
  evidence.highest = 1e3;
  const AbstainBand band = abstain_band(evidence, 0.2);
  ASSERT_TRUE(band.high);
  EXPECT_NEAR(likelihood_ratio(evidence, band.low).value, 0.25, 1e-12);
  EXPECT_NEAR(likelihood_ratio(evidence, *band.high).value, 4, 1e-12);
  EXPECT_GE(likelihood_ratio(evidence, *band.high).value, 4);
  EXPECT_LT(likelihood_ratio(evidence, std::nextafter(*band.high, 0)).value, 4);
  // The wider the band, the smaller the error that it allows.
  const AbstainBand wider = abstain_band(evidence, 0.05);
  EXPECT_LT(wider.low, band.low);
  EXPECT_GT(*wider.high, *band.high);
  // Where no ratio is high enough, no score is.
  evidence.highest = 3;
  EXPECT_FALSE(abstain_band(evidence, 0.2).high);
  evidence.lowest = 0.5;
  EXPECT_EQ(abstain_band(evidence, 0.2).low, 0);
}

}  // namespace
}  // namespace dfa
