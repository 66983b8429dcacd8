// 1,000 cases against scikit-learn and plain loops (tests/golden/eval/make_metric_golden.py makes the figures).
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/file.hpp"
#include "base/rng.hpp"
#include "eval/metric.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

constexpr std::uint64_t kCases = 1000;
// Sums of at most 1,500 terms of order one differ by the order of their roundings: 1,500 * 2^-53 = 1.7e-13. The loss
// has terms up to 27.6, divided by their number.
constexpr double kExact = 1e-12;
// The correlation's variance is a difference of sums, at worst of cases with few errors.
constexpr double kCorrelation = 1e-10;

std::uint64_t bits(std::uint64_t c, std::uint64_t item, std::uint64_t which) {
  return mix64(c * 1000003 + item * 8 + which + 1);
}

double unit(std::uint64_t c, std::uint64_t item, std::uint64_t which) {
  return static_cast<double>(bits(c, item, which) >> 24) * 0x1p-40;
}

struct Case {
  std::vector<double> scores;
  std::vector<int> labels;
  double threshold = 0.5;
};

double shaped(std::uint64_t kind, std::uint64_t variant, double u) {
  constexpr std::array kLevels = {2.0, 3.0, 5.0, 15.0, 20.0, 100.0};
  constexpr std::array kConstants = {0.0, 0.25, 0.5, 0.75, 1.0};
  if (kind == 4 || kind == 5) return std::floor(u * kLevels[variant % 6] + 0.5) / kLevels[variant % 6];
  if (kind == 6) return kConstants[variant % 5];
  if (kind == 8) return u < 0.2 ? 0.0 : u > 0.8 ? 1.0 : u;
  if (kind == 9) return std::floor(u * 64) / 64;
  return u;
}

Case make_case(std::uint64_t c) {
  Case made;
  const std::uint64_t kind = c % 10, count = 2 + bits(c, 0, 4) % (c % 100 == 50 ? 1500 : 120);
  for (std::uint64_t item = 0; item < count; ++item) {
    const auto label = static_cast<int>(kind == 7 ? c / 10 % 2 : bits(c, item, 0) % 2);
    const double u = 0.75 * unit(c, item, 1) + 0.25 * label * unit(c, item, 2);
    made.scores.push_back(shaped(kind, c / 10, u));
    made.labels.push_back(label);
  }
  if (c % 7 == 3) made.threshold = 0.3;
  return made;
}

TEST(MetricGolden, AThousandCasesAgreeWithScikitLearnAndPlainLoops) {
  static_assert(std::endian::native == std::endian::little);
  const auto bytes = read_file(test::source_path("tests/golden/eval/metrics.f64"), 1 << 20);
  ASSERT_TRUE(bytes);
  ASSERT_EQ(bytes->size(), kCases * kMetricCount * sizeof(double));
  std::size_t compared = 0, undefined = 0;
  for (std::uint64_t c = 0; c < kCases; ++c) {
    std::array<double, kMetricCount> wanted;
    std::memcpy(wanted.data(), bytes->data() + c * sizeof wanted, sizeof wanted);
    const Case made = make_case(c);
    const std::vector<MetricPoint> got = measure_all(made.scores, made.labels, made.threshold);
    for (const MetricInfo& metric : metric_registry()) {
      const auto m = static_cast<std::size_t>(metric.id);
      ASSERT_EQ(got[m].value.has_value(), !std::isnan(wanted[m])) << metric.name << " of case " << c;
      ASSERT_EQ(got[m].undefined.empty(), got[m].value.has_value()) << metric.name << " of case " << c;
      ++(got[m].value ? compared : undefined);
      if (!got[m].value) continue;
      const double tolerance = metric.id == Metric::error_correlation ? kCorrelation : kExact;
      ASSERT_NEAR(*got[m].value, wanted[m], tolerance) << metric.name << " of case " << c;
    }
  }
  EXPECT_GT(compared, 16000U);
  EXPECT_GT(undefined, 1000U);
}

}  // namespace
}  // namespace dfa
