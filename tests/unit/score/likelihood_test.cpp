#include "score/likelihood.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "json_schema.hpp"
#include "records.hpp"
#include "score/operating_point.hpp"
#include "score/outcome.hpp"
#include "score/result_json.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

Evidence some_evidence() {
  Evidence evidence;
  evidence.slope = 2;
  evidence.offset = 0.5;
  evidence.prior_log_odds = std::log(3.0);  // three fakes a real
  evidence.lowest = 1.0 / 301;
  evidence.highest = 101;
  return evidence;
}

Calibration some_calibration() {
  Calibration calibration;
  calibration.set = "home videos";
  calibration.role = "test";
  calibration.thresholds = {{"fpr5", 0.7, 0.04, 0.8, ShareInterval{0.02, 0.07}, ShareInterval{0.75, 0.85}}};
  calibration.evidence = some_evidence();
  calibration.abstain = AbstainBand{0.2, 0.4, 0.75};
  calibration.stamps = {"calibrated on role test"};
  calibration.left_out = {{"fpr1", "140 real items"}};
  return calibration;
}

TEST(LikelihoodRatio, IsThePosteriorOddsWithoutTheSetsPrior) {
  // odds 0.8 / 0.2 = 4: 4^2 e^0.5 / 3.
  const LikelihoodRatio ratio = likelihood_ratio(some_evidence(), 0.8);
  EXPECT_NEAR(ratio.value, 16 * std::exp(0.5) / 3, 1e-12);
  EXPECT_NEAR(ratio.log10, std::log10(ratio.value), 1e-15);
  EXPECT_EQ(ratio.bound, LikelihoodBound::none);
  EXPECT_EQ(ratio.words, "weak support for a forgery over a genuine item");
}

TEST(LikelihoodRatio, IsHeldWithinWhatTheSetSupports) {
  const LikelihoodRatio top = likelihood_ratio(some_evidence(), 1);
  EXPECT_EQ(top.value, 101);
  EXPECT_EQ(top.bound, LikelihoodBound::highest);
  const LikelihoodRatio bottom = likelihood_ratio(some_evidence(), 0);
  EXPECT_EQ(bottom.value, 1.0 / 301);
  EXPECT_EQ(bottom.bound, LikelihoodBound::lowest);
  EXPECT_EQ(bottom.words, "moderately strong support for a genuine item over a forgery");
}

TEST(LikelihoodRatio, IsotonicMapIsLinearBetweenPointsAndConstantBeyond) {
  const std::vector<EvidencePoint> points = {{0.2, 0}, {0.4, 0.5}, {0.6, 0.5}, {0.8, 1}};
  EXPECT_EQ(isotonic_posterior(points, 0.1), 0);
  EXPECT_EQ(isotonic_posterior(points, 0.2), 0);
  EXPECT_NEAR(isotonic_posterior(points, 0.3), 0.25, 1e-15);
  EXPECT_EQ(isotonic_posterior(points, 0.5), 0.5);
  EXPECT_EQ(isotonic_posterior(points, 0.9), 1);
  Evidence evidence = some_evidence();
  evidence.map = EvidenceMap::isotonic;
  evidence.points = points;
  EXPECT_NEAR(likelihood_ratio(evidence, 0.5).value, 1.0 / 3, 1e-15);
  EXPECT_EQ(likelihood_ratio(evidence, 0).value, 1.0 / 301);  // posterior 0: no infinity
  EXPECT_EQ(likelihood_ratio(evidence, 1).value, 101);
}

TEST(LikelihoodRatio, VerbalScaleIsSymmetric) {
  EXPECT_EQ(likelihood_words(1), "no support for one side over the other");
  EXPECT_EQ(likelihood_words(1.9), likelihood_words(1 / 1.9));
  EXPECT_THAT(likelihood_words(2), HasSubstr("weak support for a forgery"));
  EXPECT_THAT(likelihood_words(0.01), HasSubstr("moderately strong support for a genuine item"));
  EXPECT_THAT(likelihood_words(2e3), HasSubstr("strong support"));
  EXPECT_THAT(likelihood_words(1e7), HasSubstr("extremely strong"));
}

TEST(Abstention, VerdictsInTheBandAreInconclusive) {
  const auto point = choose_operating_point("", some_calibration());
  ASSERT_TRUE(point);
  EXPECT_EQ(verdict_at(*point, 0.39), Verdict::real);
  EXPECT_EQ(verdict_at(*point, 0.4), Verdict::inconclusive);
  EXPECT_EQ(verdict_at(*point, 0.699), Verdict::inconclusive);
  EXPECT_EQ(verdict_at(*point, 0.7), Verdict::inconclusive);
  EXPECT_EQ(verdict_at(*point, 0.75), Verdict::fake);
  const std::string text = operating_point_text(*point);
  EXPECT_THAT(text, HasSubstr("4.0 % [2.0, 7.0] of real called fake"));
  EXPECT_THAT(text, HasSubstr("inconclusive from 0.400 to 0.750, where a verdict would err in more than 20 %"));
  EXPECT_THAT(text, HasSubstr("STAMPED: calibrated on role test"));
  // No score is high enough.
  Calibration weak = some_calibration();
  weak.abstain->high.reset();
  EXPECT_EQ(verdict_at(*choose_operating_point("", weak), 1), Verdict::inconclusive);
  // The caller's own threshold is his own: no band, but the evidence stays.
  const auto custom = choose_operating_point("0.5", some_calibration());
  EXPECT_EQ(verdict_at(*custom, 0.5), Verdict::fake);
  EXPECT_TRUE(custom->evidence);
  EXPECT_THAT(operating_point_text(*custom), HasSubstr("STAMPED"));
}

TEST(LeftOutPoint, NoDefaultIsNoVerdictAndANameIsAnErrorWithTheReason) {
  Calibration calibration = some_calibration();
  const auto named = choose_operating_point("fpr1", calibration);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::model_incompatible);
  EXPECT_THAT(named.error().message, HasSubstr("fpr1: 140 real items"));
  calibration.thresholds.clear();
  calibration.left_out.push_back({"fpr5", "40 real items: 19 missing"});
  const auto point = choose_operating_point("", calibration);
  ASSERT_TRUE(point);
  EXPECT_EQ(point->name, "not validated");
  EXPECT_FALSE(point->threshold);
  EXPECT_TRUE(point->evidence);
  EXPECT_EQ(verdict_at(*point, 0.99), Verdict::inconclusive);
  EXPECT_THAT(operating_point_text(*point), HasSubstr("19 missing"));
}

TEST(LikelihoodRatio, IsInTheRecordOfCalibratedModelsOnly) {
  const auto record = [](const OperatingPoint& point) {
    ItemRecord item;
    item.input = "a.png";
    item.kind = MediaKind::picture;
    conclude_item(item, {test::frame_at(0, 0, {test::face_at(0, 0, 100, 0.8)})}, {}, FaceRules(), point);
    RunRecord run = test::some_run();
    run.operating_point = point;
    SummaryRecord summary;
    summary.count(item);
    summary.inputs = 1;
    const json whole = json::parse(result_json_begin(run) + result_json_item(item) + result_json_end(summary));
    EXPECT_THAT(test::schema_violations(test::result_schema(), whole), IsEmpty());
    return whole;
  };
  const json calibrated = record(*choose_operating_point("", some_calibration()));
  EXPECT_NEAR(calibrated["items"][0]["likelihood_ratio"]["value"].get<double>(), 16 * std::exp(0.5) / 3, 1e-12);
  EXPECT_EQ(calibrated["items"][0]["likelihood_ratio"]["bound"], "none");
  EXPECT_EQ(calibrated["items"][0]["verdict"], "fake");
  EXPECT_EQ(calibrated["operating_point"]["abstain"]["low"], 0.4);
  EXPECT_EQ(calibrated["operating_point"]["expected_fpr_interval"][1], 0.07);
  EXPECT_EQ(calibrated["operating_point"]["stamps"][0], "calibrated on role test");
  const json plain = record(*choose_operating_point("", std::nullopt));
  EXPECT_FALSE(plain["items"][0].contains("likelihood_ratio"));
  EXPECT_TRUE(plain["operating_point"]["abstain"].is_null());
  EXPECT_TRUE(plain["operating_point"]["stamps"].empty());
}

}  // namespace
}  // namespace dfa
