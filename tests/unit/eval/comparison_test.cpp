#include "eval/comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "eval/delong.hpp"

namespace dfa {
namespace {

struct Input {
  std::string path;
  std::string video;
  std::optional<int> label;
  std::optional<double> p_fake;
};

ScoreTable table_of(const std::vector<Input>& inputs) {
  ScoreTable table;
  for (const Input& input : inputs) {
    ScoreRow row;
    row.path = input.path;
    row.video = input.video;
    row.label = input.label;
    row.p_fake = input.p_fake;
    row.outcome = input.p_fake ? Outcome::scored : Outcome::no_face;
    EXPECT_TRUE(table.add(row));
  }
  return table;
}

// Two detectors that share most of what they see; `gain` is what the second sees better.
std::pair<ScoreTable, ScoreTable> detectors(double gain, std::uint64_t seed) {
  RngStream stream(seed, "comparison");
  std::vector<Input> first, second;
  for (int video = 0; video < 120; ++video) {
    const int label = video % 2;
    const double seen = stream.normal() + label;
    for (int frame = 0; frame < 2; ++frame) {
      const std::string key = "v" + std::to_string(video), path = key + "/" + std::to_string(frame);
      const auto p = [](double x) { return 1 / (1 + std::exp(-x)); };
      first.push_back({path, key, label, p(seen + 0.3 * stream.normal())});
      second.push_back({path, key, label, p(seen + gain * label + 0.3 * stream.normal())});
    }
  }
  return {table_of(first), table_of(second)};
}

EvaluationOptions quick() {
  EvaluationOptions options;
  options.bootstrap = {.rounds = 400, .seed = 3};
  return options;
}

TEST(Comparison, ASmallButSteadyGainIsSeenThroughThePairs) {
  const auto [first, second] = detectors(0.3, 1);
  const auto comparison = compare_scores(first, second, quick());
  ASSERT_TRUE(comparison);
  const MetricDifference& auc = comparison->video.of(Metric::auc);
  ASSERT_TRUE(auc.difference);
  EXPECT_DOUBLE_EQ(auc.difference->value, *auc.first - *auc.second);
  EXPECT_LT(auc.difference->high, 0);
  EXPECT_LT(*auc.p, 0.02);
  EXPECT_LT(*comparison->video.delong_p, 0.02);
  // Each alone is too uncertain to part them.
  const Evaluation one = *evaluate_scores(first, quick());
  EXPECT_GT(one.all.video.of(Metric::auc).interval->high, *auc.second);
}

TEST(Comparison, NoDifferenceIsRarelyCalledOne) {
  int called = 0;
  constexpr int kTrials = 40;
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    const auto [first, second] = detectors(0, 100 + trial);
    EvaluationOptions options = quick();
    options.bootstrap.rounds = 100;
    called += *compare_scores(first, second, options)->video.of(Metric::auc).p < 0.05 ? 1 : 0;
  }
  EXPECT_LE(called, 6);  // 2 expected; more than 6 of 40 has probability 0.003
}

TEST(Comparison, EqualDetectorsDoNotDiffer) {
  const ScoreTable table = detectors(0, 5).first;
  const auto comparison = compare_scores(table, table, quick());
  EXPECT_EQ(comparison->frame.of(Metric::auc).difference->value, 0);
  EXPECT_EQ(*comparison->frame.of(Metric::auc).p, 1);
  EXPECT_FALSE(comparison->video.delong_p);  // nothing varies
}

TEST(Comparison, OnlyWhatBothScoredEntersAndTheRestIsCounted) {
  const ScoreTable first = table_of(
      {{"a", "", 0, .1}, {"b", "", 0, .2}, {"c", "", 1, .7}, {"d", "", 1, .9}, {"e", "", 1, {}}, {"only", "", 1, .5}});
  const ScoreTable second =
      table_of({{"d", "", 1, .8}, {"c", "", 1, {}}, {"b", "", 0, .3}, {"a", "", 0, .4}, {"e", "", 1, .6}});
  const auto comparison = compare_scores(first, second, quick());
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison->frame.reals, 2U);
  EXPECT_EQ(comparison->frame.fakes, 1U);
  for (const LeftOut& left : {comparison->left_out_crops, comparison->left_out_videos}) {
    EXPECT_EQ(left.only_first, 1U);
    EXPECT_EQ(left.only_second, 0U);
    EXPECT_EQ(left.unscored_in_first, 1U);
    EXPECT_EQ(left.unscored_in_second, 1U);
    EXPECT_EQ(left.unscored_in_both, 0U);
  }
}

TEST(Comparison, NothingInCommonIsUndefinedAndLabelsMustAgree) {
  const ScoreTable first = table_of({{"a", "", 0, .1}, {"b", "", 1, .2}}), second = table_of({{"c", "", 0, .1}});
  const auto nothing = compare_scores(first, second, quick());
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->video.of(Metric::auc).difference);
  EXPECT_FALSE(nothing->video.of(Metric::auc).undefined.empty());
  EXPECT_FALSE(compare_scores(first, table_of({{"a", "", 1, .1}}), quick()));
  EXPECT_FALSE(compare_scores(first, table_of({{"a", "x", 0, .1}, {"a", "x", 0, .2}}), quick()));
}

// The textbook form: covariance of the placements, written out.
TEST(DeLong, EqualsTheCovarianceFormula) {
  const std::vector<double> first = {.1, .5, .3, .6, .4, .8, .9, .35}, second = {.2, .3, .6, .5, .3, .9, .7, .65};
  const std::vector<int> labels = {0, 0, 0, 0, 1, 1, 1, 1};
  const auto kernel = [](double fake, double real) { return fake > real ? 1.0 : fake == real ? 0.5 : 0.0; };
  double gap = 0, variance = 0;
  const auto placement = [&](const std::vector<double>& s, std::size_t i) {
    double sum = 0;
    for (std::size_t j = 0; j < 4; ++j) sum += i < 4 ? kernel(s[4 + j], s[i]) : kernel(s[i], s[j]);
    return sum / 4;
  };
  for (std::size_t i = 4; i < 8; ++i) gap += (placement(first, i) - placement(second, i)) / 4;
  for (std::size_t i = 0; i < 8; ++i) {
    const double off = placement(first, i) - placement(second, i) - gap;
    variance += off * off / 3 / 4;
  }
  EXPECT_NEAR(*delong_p(first, second, labels), std::erfc(std::abs(gap) / std::sqrt(2 * variance)), 1e-12);
}

}  // namespace
}  // namespace dfa
