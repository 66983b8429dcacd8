// Defects of other tools in the figures themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "eval/evaluation.hpp"
#include "eval/legacy.hpp"

namespace dfa {
namespace {

struct Said {
  std::string video;
  int label;
  std::optional<double> p_fake;
};

ScoreTable table_of(const std::vector<Said>& said) {
  ScoreTable table;
  for (const Said& one : said) {
    const std::string path = one.video + "/0.png";
    ScoreRow row;
    row.path = path;
    row.video = one.video;
    row.label = one.label;
    row.p_fake = one.p_fake;
    row.outcome = one.p_fake ? Outcome::scored : Outcome::no_face;
    EXPECT_TRUE(table.add(row));
  }
  return table;
}

Evaluation evaluated(const ScoreTable& table, NoFaceRule rule = NoFaceRule::leave_out) {
  EvaluationOptions options;
  options.bootstrap.rounds = 20;
  options.no_face = rule;
  return evaluate_scores(table, options).value();
}

double video_auc(const ScoreTable& table, NoFaceRule rule = NoFaceRule::leave_out) {
  return evaluated(table, rule).all.video.of(Metric::auc).interval.value().value;
}

double point(Metric metric, const std::vector<double>& scores, const std::vector<int>& labels) {
  return measure(metric, scores, labels).value.value();
}

TEST(MetricTraps, VideosAreGroupedByTheirFullPath) {
  const ScoreTable table = table_of({{"R/r1", 0, .5}, {"R/r2", 0, .3}, {"A/000_001", 1, .9}, {"B/000_001", 1, .2}});
  EXPECT_DOUBLE_EQ(video_auc(table), 0.5);
  const LegacyFigures legacy = legacy_figures(table);
  EXPECT_DOUBLE_EQ(*legacy.find("video_auc_dfb_legacy")->legacy.value, 1.0);
  EXPECT_DOUBLE_EQ(*legacy.find("video_auc_dfb_legacy")->correct.value, 0.5);
  EXPECT_EQ(legacy.videos, 4U);
  EXPECT_EQ(legacy.folder_groups, 3U);
}

TEST(MetricTraps, AKeySharedByTwoLabelsIsAnError) {
  ScoreTable table;
  ScoreRow row;
  row.video = "000";
  row.path = "a";
  row.label = 0;
  row.p_fake = 0.5;
  ASSERT_TRUE(table.add(row));
  row.path = "b";
  row.label = 1;
  const Status added = table.add(row);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::manifest_invalid);
}

TEST(MetricTraps, AccuracyByClassDoesNotDependOnTheOrder) {
  RngStream stream(3, "accuracy");
  std::vector<Said> said;
  for (int i = 0; i < 200; ++i) {
    const int label = i < 90 ? 0 : 1;
    said.push_back({"v" + std::to_string(i), label, 0.6 * stream.uniform() + 0.3 * label});
  }
  const ScoreTable sorted = table_of(said);
  stream.shuffle(std::span(said));
  const ScoreTable shuffled = table_of(said);
  const Evaluation one = evaluated(sorted), other = evaluated(shuffled);
  for (const Metric metric : {Metric::accuracy_real, Metric::accuracy_fake, Metric::balanced_accuracy}) {
    const double value = one.all.frame.of(metric).interval.value().value;
    EXPECT_EQ(value, other.all.frame.of(metric).interval.value().value);
  }
  // The faulty rule agrees on a sorted list, and says something else of the shuffled one.
  const auto legacy = [](const ScoreTable& table) {
    return *legacy_figures(table).find("accuracy_real_dfb_legacy")->legacy.value;
  };
  EXPECT_EQ(legacy(sorted), one.all.frame.of(Metric::accuracy_real).interval->value);
  EXPECT_NE(legacy(shuffled), legacy(sorted));
}

TEST(MetricTraps, TheTwoEqualErrorRatesHaveTwoNames) {
  const std::vector<double> scores = {.1, .2, .45, .6, .3, .5, .9};
  const std::vector<int> labels = {0, 0, 0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(point(Metric::eer_nearest, scores, labels), 0.25);
  EXPECT_DOUBLE_EQ(point(Metric::eer, scores, labels), 1.0 / 3);
  EXPECT_DOUBLE_EQ(point(Metric::auc, scores, labels), 0.75);
  EXPECT_NEAR(point(Metric::ap, scores, labels), .755556, 5e-7);
  EXPECT_NE(metric_info(Metric::eer).name, metric_info(Metric::eer_nearest).name);
}

// 140 reals allow one false alarm at 1 %, 100 exactly one, 99 none: no interpolation between them.
TEST(MetricTraps, RatesAtAFixedRateTakeWholeItems) {
  const auto tpr = [](int reals) {
    std::vector<double> scores = {.95, .85, .7, .6};  // fakes
    std::vector<int> labels(4, 1);
    for (int i = 0; i < reals; ++i) {
      scores.push_back(i == 0 ? .9 : i == 1 ? .8 : .1);
      labels.push_back(0);
    }
    return point(Metric::tpr_at_fpr1, scores, labels);
  };
  EXPECT_EQ(tpr(140), 0.5);
  EXPECT_EQ(tpr(100), 0.5);
  EXPECT_EQ(tpr(99), 0.25);
}

TEST(MetricTraps, ConstantScoresAreHalfAndASingleClassIsUndefined) {
  EXPECT_EQ(video_auc(table_of({{"a", 0, .7}, {"b", 1, .7}, {"c", 1, .7}})), 0.5);
  const Evaluation single = evaluated(table_of({{"a", 1, .7}, {"b", 1, .8}}));
  EXPECT_FALSE(single.all.video.of(Metric::auc).interval);
  EXPECT_NE(single.all.video.of(Metric::auc).undefined.find("no real"), std::string::npos);
}

TEST(MetricTraps, NothingReadIsUndefinedAndNotZero) {
  const Evaluation nothing = evaluated(table_of({{"a", 0, {}}, {"b", 1, {}}}));
  for (const MetricInfo& metric : metric_registry()) {
    EXPECT_FALSE(nothing.all.frame.of(metric.id).interval) << metric.name;
    EXPECT_FALSE(nothing.all.video.of(metric.id).undefined.empty()) << metric.name;
  }
  EXPECT_EQ(nothing.all.coverage.share(), 0);
}

TEST(MetricTraps, NoFaceIsNoNumberUnlessAskedForByName) {
  const ScoreTable table = table_of({{"r1", 0, .1},
                                     {"r2", 0, .2},
                                     {"r3", 0, .6},
                                     {"r4", 0, {}},
                                     {"f1", 1, .9},
                                     {"f2", 1, .7},
                                     {"f3", 1, .4},
                                     {"f4", 1, {}}});
  EXPECT_DOUBLE_EQ(video_auc(table), 8.0 / 9);
  EXPECT_DOUBLE_EQ(video_auc(table, NoFaceRule::half), .78125);
  EXPECT_DOUBLE_EQ(video_auc(table, NoFaceRule::worst), 0.5);  // 8 of the 16 pairs
  EXPECT_DOUBLE_EQ(*legacy_figures(table).find("video_auc_noface_half")->legacy.value, .78125);
  const Coverage coverage = evaluated(table).all.coverage;
  EXPECT_EQ(coverage.videos.scored(), 6U);
  EXPECT_EQ(coverage.videos.of(coverage.videos.fakes, Outcome::no_face), 1U);
  EXPECT_DOUBLE_EQ(coverage.share(), 0.75);
}

TEST(MetricTraps, SwappedLabelsMirrorTheAreaAndAreNotRepaired) {
  const double straight = video_auc(table_of({{"a", 0, .1}, {"b", 0, .4}, {"c", 1, .3}, {"d", 1, .9}})),
               swapped = video_auc(table_of({{"a", 1, .1}, {"b", 1, .4}, {"c", 0, .3}, {"d", 0, .9}}));
  EXPECT_DOUBLE_EQ(straight, 0.75);
  EXPECT_DOUBLE_EQ(swapped, 0.25);
}

TEST(MetricTraps, LogitsAreNotTakenForProbabilities) {
  ScoreTable table;
  ScoreRow row;
  row.path = "a";
  row.label = 1;
  for (const double logit : {1.5, -0.2}) {
    row.p_fake = logit;
    EXPECT_FALSE(table.add(row)) << logit;
  }
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace dfa
