#include "eval/auc.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.hpp"

namespace dfa {
namespace {

// The definition, pair by pair.
double pairwise(const std::vector<double>& scores, const std::vector<int>& labels) {
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (std::size_t j = 0; j < scores.size(); ++j)
      if (labels[i] == 1 && labels[j] == 0) {
        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        ++pairs;
      }
  return wins / pairs;
}

TEST(Auc, SmallCaseByHand) {
  const std::vector<double> scores = {.1, .2, .45, .6, .3, .5, .9};
  const std::vector<int> labels = {0, 0, 0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(*area_under_curve(scores, labels), 0.75);
}

TEST(Auc, EqualsThePairsAlsoWithTies) {
  RngStream stream(5, "auc");
  for (int round = 0; round < 20; ++round) {
    std::vector<double> scores;
    std::vector<int> labels;
    for (int i = 0; i < 60; ++i) {
      scores.push_back(static_cast<double>(stream.below(round < 10 ? 5 : 1000)) / 7.0);
      labels.push_back(i < 2 ? i : static_cast<int>(stream.below(2)));
    }
    EXPECT_NEAR(*area_under_curve(scores, labels), pairwise(scores, labels), 1e-12);
  }
}

TEST(Auc, ConstantScoresAreHalf) {
  EXPECT_EQ(*area_under_curve(std::vector<double>(6, 0.3), std::vector<int>{0, 1, 0, 1, 1, 0}), 0.5);
}

TEST(Auc, UndefinedIsNoNumber) {
  EXPECT_FALSE(area_under_curve(std::vector<double>{.1, .2}, std::vector<int>{1, 1}));
  EXPECT_FALSE(area_under_curve(std::vector<double>{}, std::vector<int>{}));
  EXPECT_FALSE(area_under_curve(std::vector<double>{std::nan(""), .2}, std::vector<int>{0, 1}));
  EXPECT_FALSE(area_under_curve(std::vector<double>{.1, .2}, std::vector<int>{0, 2}));
}

TEST(AucInterval, CoversTheTruthAboutAsOftenAsItSays) {
  // Fakes ~ N(1, 1), reals ~ N(0, 1): true AUC = Phi(1 / sqrt 2) = 0.76025.
  RngStream stream(9, "interval");
  int covered = 0;
  constexpr int kTrials = 100;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> scores;
    std::vector<int> labels;
    std::vector<std::uint32_t> groups;
    for (std::uint32_t i = 0; i < 120; ++i) {
      labels.push_back(static_cast<int>(i % 2));
      scores.push_back(stream.normal() + labels.back());
      groups.push_back(i);
    }
    const auto interval =
        auc_with_interval(scores, labels, groups, {.rounds = 400, .seed = static_cast<std::uint64_t>(trial)});
    ASSERT_TRUE(interval);
    EXPECT_LT(interval->low, interval->value);
    EXPECT_GT(interval->high, interval->value);
    covered += interval->low <= 0.76025 && 0.76025 <= interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, 88);
  EXPECT_LE(covered, 100);
}

TEST(AucInterval, FramesOfAVideoAreNotIndependent) {
  RngStream stream(4, "videos");
  std::vector<double> scores;
  std::vector<int> labels;
  std::vector<std::uint32_t> by_video, by_frame;
  for (std::uint32_t video = 0; video < 40; ++video) {
    const double level = stream.normal() + (video % 2);
    for (int frame = 0; frame < 10; ++frame) {
      scores.push_back(level + 0.05 * stream.normal());
      labels.push_back(static_cast<int>(video % 2));
      by_video.push_back(video);
      by_frame.push_back(static_cast<std::uint32_t>(by_frame.size()));
    }
  }
  const auto wide = auc_with_interval(scores, labels, by_video, {}),
             narrow = auc_with_interval(scores, labels, by_frame, {});
  ASSERT_TRUE(wide && narrow);
  EXPECT_EQ(wide->value, narrow->value);
  EXPECT_GT(wide->high - wide->low, 2 * (narrow->high - narrow->low));
}

TEST(AucInterval, RepeatsItselfAndRefusesMixedGroups) {
  const std::vector<double> scores = {.1, .4, .3, .8, .2, .9};
  const std::vector<int> labels = {0, 0, 0, 1, 1, 1};
  const std::vector<std::uint32_t> groups = {0, 1, 2, 3, 4, 5};
  const auto first = auc_with_interval(scores, labels, groups, {}),
             again = auc_with_interval(scores, labels, groups, {});
  EXPECT_EQ(first->low, again->low);
  EXPECT_EQ(first->high, again->high);
  EXPECT_FALSE(auc_with_interval(scores, labels, std::vector<std::uint32_t>{0, 1, 2, 2, 4, 5}, {}));
}

}  // namespace
}  // namespace dfa
