#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "eval/bootstrap.hpp"
#include "eval/evaluation.hpp"

namespace dfa {
namespace {

struct Made {
  std::vector<double> p_fake;
  std::vector<int> labels;
  std::vector<std::uint32_t> groups;
  GroupedItems items() const { return {p_fake, labels, groups}; }
};

// `levels`: 0 = no two equal scores.
Made make(std::uint32_t videos, int frames, int levels, std::uint64_t seed) {
  RngStream stream(seed, "intervals");
  Made made;
  for (std::uint32_t video = 0; video < videos; ++video) {
    const double level = stream.normal() + video % 2;
    for (int frame = 0; frame < frames; ++frame) {
      const double p = 1 / (1 + std::exp(-level - stream.normal()));
      made.p_fake.push_back(levels == 0 ? p : std::round(p * levels) / levels);
      made.labels.push_back(static_cast<int>(video % 2));
      made.groups.push_back(video);
    }
  }
  return made;
}

// A resample written out as a list, each drawn video's frames as often as it was drawn, measured as any other list.
TEST(Bootstrap, AResampleIsTheListWithItsVideosRepeated) {
  for (const int levels : {0, 7}) {
    const Made made = make(12, 4, levels, 1);
    constexpr int kRounds = 40;  // more than go together
    const Replicates replicates = bootstrap(made.items(), 0.5, {.rounds = kRounds, .seed = 5});
    for (int round = 0; round < kRounds; ++round) {
      std::vector<int> times(12, 0);
      for (int k = 0; k < 2; ++k) {
        RngStream stream = RngStream(5, "bootstrap").child(fnv1a32(k == 0 ? "reals" : "fakes")).child(round);
        for (int i = 0; i < 6; ++i) ++times[2 * stream.below(6) + static_cast<std::size_t>(k)];
      }
      std::vector<double> p;
      std::vector<int> labels;
      for (std::size_t i = 0; i < made.p_fake.size(); ++i)
        for (int copy = 0; copy < times[made.groups[i]]; ++copy) {
          p.push_back(made.p_fake[i]);
          labels.push_back(made.labels[i]);
        }
      const std::vector<MetricPoint> wanted = measure_all(p, labels);
      for (std::size_t m = 0; m < kMetricCount; ++m)
        EXPECT_NEAR(replicates.rounds[static_cast<std::size_t>(round)][m], wanted[m].value.value(), 1e-10)
            << metric_registry()[m].name << " round " << round;
    }
  }
}

TEST(Bootstrap, DoesNotDependOnTheThreads) {
  const Made made = make(20, 3, 0, 2);
  const Replicates one = bootstrap(made.items(), 0.5, {.rounds = 100, .seed = 1, .threads = 1}),
                   three = bootstrap(made.items(), 0.5, {.rounds = 100, .seed = 1, .threads = 3});
  EXPECT_EQ(one.rounds, three.rounds);
  EXPECT_EQ(one.left_out[1], three.left_out[1]);
}

// docs/evaluation.md, "Millions of frames": the point value does not move, and a resample's by no more than the largest
// share of a class in one of its cells.
TEST(Bootstrap, CoarseCellsStayWithinTheirBound) {
  const Made made = make(200, 20, 0, 3);
  constexpr std::size_t kCells = 256;
  const BootstrapOptions options = {.rounds = 64, .seed = 9};
  const Replicates exact = bootstrap(made.items(), 0.5, options, 0),
                   coarse = bootstrap(made.items(), 0.5, options, kCells);
  EXPECT_EQ(exact.point, coarse.point);
  EXPECT_NE(exact.cell_point, coarse.cell_point);
  // A cell has at most 2000 / 256 = 7 items of a class. No video counts more than 8 times in these rounds, and all
  // seven items of a cell in that video is the worst case: 7 * 8 / 2000.
  constexpr double kShare = 7 * 8 / 2000.0;
  for (std::size_t round = 0; round < exact.rounds.size(); ++round)
    for (const Metric metric :
         {Metric::auc, Metric::eer, Metric::tpr_at_fpr1, Metric::tpr_at_fpr5, Metric::fpr_at_tpr95, Metric::ece_mass,
          Metric::brier, Metric::nll, Metric::cllr, Metric::accuracy}) {
      const auto m = static_cast<std::size_t>(metric);
      EXPECT_NEAR(exact.rounds[round][m], coarse.rounds[round][m], kShare) << metric_registry()[m].name;
    }
  // And the interval, in practice.
  const auto interval = [](const Replicates& replicates, std::size_t m) {
    std::vector<double> rounds;
    for (const MetricArray& round : replicates.rounds) rounds.push_back(round[m]);
    return interval_from(replicates.point[m], replicates.cell_point[m], rounds, {}, IntervalMethod::percentile);
  };
  for (std::size_t m = 0; m < kMetricCount; ++m) {
    const Interval fine = interval(exact, m), rough = interval(coarse, m);
    EXPECT_NEAR(fine.low, rough.low, 0.1 * (fine.high - fine.low)) << metric_registry()[m].name;
    EXPECT_NEAR(fine.high, rough.high, 0.1 * (fine.high - fine.low)) << metric_registry()[m].name;
  }
}

TEST(Interval, BcaMovesWithBiasAndSkewness) {
  std::vector<double> rounds;
  for (int i = 1; i < 1000; ++i) rounds.push_back(i / 1000.0);
  const Interval plain = interval_from(0.5, 0.5, rounds, {}, IntervalMethod::percentile);
  EXPECT_NEAR(plain.low, 0.025, 0.001);
  EXPECT_NEAR(plain.high, 0.975, 0.001);
  const Interval unbiased = interval_from(0.5, 0.5, rounds, {}, IntervalMethod::bca);
  EXPECT_NEAR(unbiased.low, plain.low, 1e-9);
  // z0 = Phi^-1(0.6915) = 0.5: the ends are Phi(2 * 0.5 -+ 1.96) = .1685 and .9985.
  const Interval biased = interval_from(0.6915, 0.6915, rounds, {}, IntervalMethod::bca);
  EXPECT_NEAR(biased.low, 0.1685, 0.002);
  EXPECT_NEAR(biased.high, 0.9985, 0.002);
}

TEST(Evaluation, EveryMetricHasAnIntervalAroundItOnBothLevelsAndInTheAverages) {
  ScoreTable table;
  const Made made = make(60, 3, 0, 4);
  for (std::size_t i = 0; i < made.p_fake.size(); ++i) {
    const std::string path = std::to_string(i), video = "v" + std::to_string(made.groups[i]);
    ScoreRow row;
    row.path = path;
    row.video = video;
    row.set = made.groups[i] < 30 ? "one" : "two";
    row.label = made.labels[i];
    if (row.label == 1) row.method = made.groups[i] % 4 == 1 ? "swap" : "reenact";
    row.p_fake = made.p_fake[i];
    ASSERT_TRUE(table.add(row));
  }
  EvaluationOptions options;
  options.bootstrap = {.rounds = 200, .seed = 1};
  const auto evaluation = evaluate_scores(table, options);
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->over_methods.groups, 2U);
  EXPECT_EQ(evaluation->sets.size(), 2U);
  for (const MetricInfo& metric : metric_registry()) {
    const auto m = static_cast<std::size_t>(metric.id);
    for (const MetricValue& value : {evaluation->all.frame.of(metric.id), evaluation->all.video.of(metric.id),
                                     evaluation->over_methods.video[m], evaluation->over_sets.frame[m]}) {
      ASSERT_TRUE(value.interval) << metric.name << ": " << value.undefined;
      EXPECT_LT(value.interval->low, value.interval->high) << metric.name;
    }
    const auto of = [&](const char* set) { return evaluation->sets.at(set).video.of(metric.id).interval->value; };
    EXPECT_NEAR(evaluation->over_sets.video[m].interval->value, (of("one") + of("two")) / 2, 1e-12) << metric.name;
  }
}

TEST(Evaluation, OneVideoInAClassIsCautionedAgainst) {
  ScoreTable table;
  for (int i = 0; i < 5; ++i) {
    const std::string path = std::to_string(i);
    ScoreRow row;
    row.path = path;
    row.label = i == 0 ? 0 : 1;
    row.p_fake = 0.1 * i;
    ASSERT_TRUE(table.add(row));
  }
  EvaluationOptions options;
  options.bootstrap.rounds = 20;
  const auto evaluation = evaluate_scores(table, options);
  EXPECT_NE(evaluation->all.video.of(Metric::auc).caution.find("single video"), std::string::npos);
  options.threshold = 2;
  EXPECT_FALSE(evaluate_scores(table, options));
}

}  // namespace
}  // namespace dfa
