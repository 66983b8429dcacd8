#include "eval/curves.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.hpp"

namespace dfa {
namespace {

struct Sample {
  std::vector<double> p;
  std::vector<int> labels;
};

Sample sample(int levels) {
  RngStream stream(7, "curves");
  Sample made;
  for (int i = 0; i < 301; ++i) {
    made.labels.push_back(static_cast<int>(stream.below(2)));
    const double p = 0.7 * stream.uniform() + 0.3 * made.labels.back();
    made.p.push_back(levels == 0 ? p : std::round(p * levels) / levels);
  }
  return made;
}

double value(Metric metric, const Sample& made) {
  return measure(metric, made.p, made.labels).value.value();
}

TEST(Curves, TheAreaUnderTheRocIsTheAuc) {
  for (const int levels : {0, 9})
    for (const RocVertices vertices : {RocVertices::all, RocVertices::corners}) {
      const Sample made = sample(levels);
      const auto roc = roc_curve(made.p, made.labels, vertices);
      double area = 0;
      for (std::size_t i = 1; i < roc.size(); ++i)
        area += (roc[i].fpr - roc[i - 1].fpr) * (roc[i].tpr + roc[i - 1].tpr) / 2;
      EXPECT_NEAR(area, value(Metric::auc, made), 1e-12);
      EXPECT_EQ(roc.front().tpr, 0);
      EXPECT_EQ(roc.back().fpr, 1);
      EXPECT_EQ(roc.back().tpr, 1);
    }
  EXPECT_TRUE(roc_curve(std::vector<double>{.5}, std::vector<int>{1}).empty());
}

TEST(Curves, ReliabilityBinsGiveBothCalibrationErrors) {
  for (const int levels : {0, 9}) {
    const Sample made = sample(levels);
    for (const BinRule rule : {BinRule::width, BinRule::mass}) {
      double error = 0, items = 0;
      for (const ReliabilityBin& bin : reliability_curve(made.p, made.labels, rule)) {
        error += bin.count * std::abs(bin.mean_p - bin.share_fakes);
        items += bin.count;
        EXPECT_LE(bin.low, bin.mean_p + 1e-12);
        EXPECT_GE(bin.high, bin.mean_p - 1e-12);
      }
      EXPECT_NEAR(items, 301, 1e-9);
      EXPECT_NEAR(error / 301, value(rule == BinRule::width ? Metric::ece_width : Metric::ece_mass, made), 1e-12);
    }
  }
}

TEST(Curves, RiskCoverageEndsAtTheErrorRate) {
  const Sample made = sample(0);
  const auto risk = risk_coverage_curve(made.p, made.labels);
  EXPECT_EQ(risk.back().coverage, 1);
  EXPECT_NEAR(risk.back().risk, 1 - value(Metric::accuracy, made), 1e-12);
  double mean = 0;  // one point an item: their mean is the area
  for (const RiskPoint& point : risk) mean += point.risk / static_cast<double>(risk.size());
  ASSERT_EQ(risk.size(), made.p.size());
  EXPECT_NEAR(mean, value(Metric::aurc, made), 1e-12);
}

TEST(Curves, HistogramBinsAreClosedOnTheRight) {
  const auto bins = histogram(std::vector<double>{0, 0.2, 0.20001, 1, 0.6}, 5);
  ASSERT_EQ(bins.size(), 5U);
  EXPECT_EQ(bins[0].count, 2U);
  EXPECT_EQ(bins[1].count, 1U);
  EXPECT_EQ(bins[2].count, 1U);
  EXPECT_EQ(bins[4].count, 1U);
}

}  // namespace
}  // namespace dfa
