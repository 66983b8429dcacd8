// The bare losses against plain double loops, and their gradients against central differences.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/rng.hpp"
#include "support/close.hpp"
#include "train/losses/loss_probe.hpp"
#include "train/losses/loss_values.hpp"
#include "train/losses/patch_choice.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

using Doubles = std::vector<double>;
// All of it in f64: sums of at most a few hundred terms of order 1.
constexpr Tolerance kExact{.absolute = 1e-12, .relative = 1e-12};

Doubles random_values(std::size_t count, const char* name) {
  RngStream stream(5, name);
  Doubles values(count);
  for (double& value : values) value = stream.normal();
  return values;
}

LossProbe present(const ProbeResult& probe) {
  EXPECT_TRUE(probe) << probe.error().message;
  EXPECT_TRUE(probe && *probe) << "the term is absent";
  return probe && *probe ? **probe : LossProbe{};
}

// Central differences of step h have an error of h^2 times the third derivative, and of 1e-16 / h from rounding.
void expect_gradient(Doubles x, const std::function<ProbeResult(const Doubles&)>& loss) {
  constexpr double kStep = 1e-5;
  const LossProbe here = present(loss(x));
  Doubles differences;
  for (double& value : x) {
    const double former = value;
    value = former + kStep;
    const double above = present(loss(x)).value;
    value = former - kStep;
    differences.push_back((above - present(loss(x)).value) / (2 * kStep));
    value = former;
  }
  EXPECT_TRUE(expect_close(here.gradient, differences, {.absolute = 1e-9, .relative = 1e-6}));
}

Doubles unit_of(const Doubles& rows, std::size_t n) {
  const std::size_t d = rows.size() / n;
  Doubles unit = rows;
  for (std::size_t i = 0; i < n; ++i) {
    double square = 0;
    for (std::size_t k = 0; k < d; ++k) square += rows[i * d + k] * rows[i * d + k];
    for (std::size_t k = 0; k < d; ++k) unit[i * d + k] /= std::sqrt(square);
  }
  return unit;
}

double dot(const Doubles& rows, std::size_t i, std::size_t j, std::size_t d) {
  double sum = 0;
  for (std::size_t k = 0; k < d; ++k) sum += rows[i * d + k] * rows[j * d + k];
  return sum;
}

double squared_distance(const Doubles& rows, std::size_t i, std::size_t j, std::size_t d) {
  double sum = 0;
  for (std::size_t k = 0; k < d; ++k) sum += std::pow(rows[i * d + k] - rows[j * d + k], 2);
  return sum;
}

constexpr std::size_t kSamples = 5, kWidth = 4;

TEST(BareLoss, AlignmentIsTheMeanDistanceOfEqualLabels) {
  const Doubles x = random_values(kSamples * kWidth, "features");
  const std::vector<std::int64_t> labels = {0, 1, 1, 0, 1};
  const Doubles unit = unit_of(x, kSamples);
  double sum = 0;
  int pairs = 0;
  for (std::size_t i = 0; i < kSamples; ++i)
    for (std::size_t j = i + 1; j < kSamples; ++j)
      if (labels[i] == labels[j]) {
        sum += squared_distance(unit, i, j, kWidth);
        ++pairs;
      }
  EXPECT_EQ(pairs, 4);
  EXPECT_NEAR(present(probe_alignment(x, labels)).value, sum / pairs, kExact.absolute);
  expect_gradient(x, [&](const Doubles& at) { return probe_alignment(at, labels); });
}

TEST(BareLoss, AlignmentIsAbsentWithoutAPair) {
  const auto none = probe_alignment(random_values(2 * kWidth, "features"), std::vector<std::int64_t>{0, 1});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(*none);
}

TEST(BareLoss, UniformityIsTheLogOfTheMeanPotential) {
  const Doubles x = random_values(kSamples * kWidth, "features"), unit = unit_of(x, kSamples);
  double sum = 0;
  int pairs = 0;
  for (std::size_t i = 0; i < kSamples; ++i)
    for (std::size_t j = i + 1; j < kSamples; ++j, ++pairs) sum += std::exp(-2 * squared_distance(unit, i, j, kWidth));
  EXPECT_NEAR(present(probe_uniformity(x, kSamples)).value, std::log(sum / pairs), kExact.absolute);
  expect_gradient(x, [](const Doubles& at) { return probe_uniformity(at, kSamples); });
  EXPECT_FALSE(*probe_uniformity(x, 1));
}

TEST(BareLoss, UniformityIsLowestForOppositeVectors) {
  EXPECT_NEAR(present(probe_uniformity(Doubles{3, 0, -1, 0}, 2)).value, -8, 1e-12);
}

TEST(BareLoss, ConsistencyIsTheDivergenceFromTheWeakView) {
  constexpr std::size_t kClasses = 3;
  const Doubles weak = random_values(kSamples * kClasses, "weak"),
                strong = random_values(kSamples * kClasses, "strong");
  const auto p = [](const Doubles& logits, std::size_t i, std::size_t k) {
    double sum = 0;
    for (std::size_t j = 0; j < kClasses; ++j) sum += std::exp(logits[i * kClasses + j]);
    return std::exp(logits[i * kClasses + k]) / sum;
  };
  double sum = 0;
  for (std::size_t i = 0; i < kSamples; ++i)
    for (std::size_t k = 0; k < kClasses; ++k) sum += p(weak, i, k) * std::log(p(weak, i, k) / p(strong, i, k));
  EXPECT_NEAR(present(probe_consistency_strong(weak, strong, kSamples)).value, sum / kSamples, kExact.absolute);
  expect_gradient(strong, [&](const Doubles& at) { return probe_consistency_strong(weak, at, kSamples); });
  EXPECT_NEAR(present(probe_consistency_strong(weak, weak, kSamples)).value, 0, 1e-15);
  const LossProbe held = present(probe_consistency_weak(weak, strong, kSamples));
  EXPECT_EQ(held.gradient, Doubles(weak.size(), 0.0)) << "the weak view is held constant";
}

// Maps of 5, 3 and 2 cells a side, 4 channels.
class BareSpatialLoss : public testing::Test {
 protected:
  BareSpatialLoss() {
    network_.image = 40;
    network_.dim = 4;
    RngStream stream(5, "masks");
    masks_.resize(3 * 25);
    for (std::size_t i = 0; i < masks_.size(); ++i)  // sample 0 real, sample 1 half forged with soft borders, 2 unknown
      masks_[i] = i / 25 == 1 ? static_cast<float>(std::clamp(2.0 - 0.9 * static_cast<double>(i % 5), 0.0, 1.0)) : 0.0F;
    tokens_ = random_values(3 * static_cast<std::size_t>(network_.spatial_tokens() * network_.dim), "tokens");
    auto targets = spatial_targets(network_, masks_, std::vector<std::uint8_t>{1, 1, 0}, 3);
    if (!targets) throw std::runtime_error(targets.error().message);
    targets_ = std::move(*targets);
  }

  // Mean over an area, by cutting both maps into cells of 1 / (from * to).
  static Doubles pooled(const Doubles& map, int from, int to) {
    Doubles out(static_cast<std::size_t>(to * to), 0.0);
    const int fine = from * to;
    for (int y = 0; y < fine; ++y)
      for (int x = 0; x < fine; ++x)
        out[static_cast<std::size_t>(y / from * to + x / from)] +=
            map[static_cast<std::size_t>(y / to * from + x / to)] / (from * from);
    return out;
  }

  // Row of level `level`, sample and cell, in tokens_.
  std::span<const double> token(int sample, int level, int cell) const {
    int place = sample * network_.spatial_tokens() + cell;
    for (int i = 0; i < level; ++i) place += network_.spatial_side(i) * network_.spatial_side(i);
    const std::size_t d = static_cast<std::size_t>(network_.dim);
    return std::span(tokens_).subspan(static_cast<std::size_t>(place) * d, d);
  }

  NetworkConfig network_;
  std::vector<float> masks_;
  Doubles tokens_;
  SpatialTargets targets_;
};

TEST_F(BareSpatialLoss, TargetsAreAreaMeansOfTheKnown) {
  ASSERT_EQ(network_.spatial_side(0), 5);
  ASSERT_EQ(network_.spatial_side(1), 3);
  ASSERT_EQ(network_.spatial_side(2), 2);
  EXPECT_EQ(targets_.samples, (std::vector<std::int64_t>{0, 1}));
  const Doubles forged(masks_.begin() + 25, masks_.begin() + 50);
  for (int level = 0; level < 3; ++level) {
    const int side = network_.spatial_side(level);
    const Doubles& shares = targets_.shares[static_cast<std::size_t>(level)];
    ASSERT_EQ(shares.size(), 2U * static_cast<std::size_t>(side * side));
    for (std::size_t i = 0; i < shares.size() / 2; ++i) EXPECT_EQ(shares[i], 0.0);
    EXPECT_TRUE(expect_close(Doubles(shares.begin() + side * side, shares.end()), pooled(forged, 5, side), kExact));
  }
  EXPECT_EQ(boundary_of(Doubles{0, 0.25, 0.5, 1}), (Doubles{0, 0.75, 1, 0}));
}

TEST_F(BareSpatialLoss, TargetsThatDoNotFitAreRefused) {
  const std::vector<std::uint8_t> known = {1, 1, 0};
  const auto few = spatial_targets(network_, std::span(masks_).first(70), known, 3);
  ASSERT_FALSE(few);
  EXPECT_NE(few.error().message.find("expected 75"), std::string::npos);
  EXPECT_FALSE(spatial_targets(network_, {}, {}, 3));
  masks_[30] = 1.5F;
  EXPECT_NE(spatial_targets(network_, masks_, known, 3).error().message.find("1.5"), std::string::npos);
}

TEST_F(BareSpatialLoss, MapsAreMeanSquaresOverLevels) {
  const Doubles weights = random_values(3 * 4, "weights"), biases = random_values(3, "biases");
  for (const MapHead kind : {MapHead::mask, MapHead::boundary}) {
    double sum = 0;
    for (int level = 0; level < 3; ++level) {
      const int cells = network_.spatial_side(level) * network_.spatial_side(level);
      double squares = 0;
      for (int sample = 0; sample < 2; ++sample)
        for (int cell = 0; cell < cells; ++cell) {
          const std::span<const double> c = token(sample, level, cell);
          double z = biases[static_cast<std::size_t>(level)];
          for (std::size_t k = 0; k < 4; ++k) z += c[k] * weights[static_cast<std::size_t>(level) * 4 + k];
          const double share =
              targets_.shares[static_cast<std::size_t>(level)][static_cast<std::size_t>(sample * cells + cell)];
          squares += std::pow(1 / (1 + std::exp(-z)) - (kind == MapHead::mask ? share : 4 * share * (1 - share)), 2);
        }
      sum += squares / (2 * cells);
    }
    const auto loss = [&](const Doubles& at) { return probe_map_loss(network_, kind, at, targets_, weights, biases); };
    EXPECT_NEAR(present(loss(tokens_)).value, sum / 3, kExact.absolute);
    expect_gradient(tokens_, loss);
  }
  const auto unknown = spatial_targets(network_, masks_, std::vector<std::uint8_t>{0, 0, 0}, 3);
  EXPECT_FALSE(*probe_map_loss(network_, MapHead::mask, tokens_, *unknown, weights, biases));
}

TEST_F(BareSpatialLoss, PatchContrastComparesKinds) {
  constexpr double kTemperature = 0.5;
  double sum = 0;
  int levels = 0;
  for (int level = 0; level < 3; ++level) {
    const int cells = network_.spatial_side(level) * network_.spatial_side(level);
    Doubles rows[2];  // untouched, forged
    for (int i = 0; i < 2 * cells; ++i) {
      const double share = targets_.shares[static_cast<std::size_t>(level)][static_cast<std::size_t>(i)];
      if (share > 0.05 && share <= 0.5) continue;
      const std::span<const double> c = token(i / cells, level, i % cells);
      Doubles& to = rows[share > 0.5 ? 1 : 0];
      to.insert(to.end(), c.begin(), c.end());
    }
    const std::size_t counts[2] = {rows[0].size() / 4, rows[1].size() / 4};
    if (counts[0] < 2 || counts[1] < 2) continue;
    ++levels;
    Doubles all = unit_of(rows[0], counts[0]);
    const Doubles forged = unit_of(rows[1], counts[1]);
    all.insert(all.end(), forged.begin(), forged.end());
    for (std::size_t kind = 0; kind < 2; ++kind) {
      double kind_sum = 0;
      for (std::size_t i = 0; i < all.size() / 4; ++i) {
        if ((i >= counts[0]) != (kind == 1)) continue;
        double same = 0, other = 0;
        for (std::size_t j = 0; j < all.size() / 4; ++j) {
          if (j == i) continue;
          ((j >= counts[0]) == (kind == 1) ? same : other) += std::exp(dot(all, i, j, 4) / kTemperature);
        }
        same /= static_cast<double>(counts[kind] - 1);
        other /= static_cast<double>(counts[1 - kind]);
        kind_sum += -std::log(same / (same + other));
      }
      sum += 0.5 * kind_sum / static_cast<double>(counts[kind]);
    }
  }
  ASSERT_EQ(levels, 3);
  const auto loss = [&](const Doubles& at) { return probe_patch_contrast(network_, at, targets_, kTemperature); };
  EXPECT_NEAR(present(loss(tokens_)).value, sum / levels, kExact.absolute);
  expect_gradient(tokens_, loss);
  EXPECT_NEAR(present(loss(Doubles(tokens_.size(), 1.0))).value, std::log(2.0), 1e-12) << "features that tell nothing";
  // Sharp similarities overflow exp() in f32 and must not matter.
  EXPECT_TRUE(std::isfinite(present(probe_patch_contrast(network_, tokens_, targets_, 0.001)).value));
}

TEST_F(BareSpatialLoss, PatchContrastIsAbsentWithoutForgedPatches) {
  const auto real = spatial_targets(network_, masks_, std::vector<std::uint8_t>{1, 0, 0}, 3);
  ASSERT_TRUE(real);
  EXPECT_FALSE(*probe_patch_contrast(network_, tokens_, *real, 0.5));
}

TEST(PatchChoice, LeavesTheMiddleOutAndThinsEvenly) {
  const PatchChoice few = choose_patches(Doubles{0, 0.05, 0.06, 0.5, 0.51, 1});
  EXPECT_EQ(few.untouched, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(few.forged, (std::vector<std::int64_t>{4, 5}));
  EXPECT_TRUE(few.enough());
  const PatchChoice many = choose_patches(Doubles(4 * kMostPatches, 1.0));
  ASSERT_EQ(many.forged.size(), kMostPatches);
  EXPECT_EQ(many.forged[1], 4);
  EXPECT_EQ(many.forged.back(), static_cast<std::int64_t>(4 * kMostPatches - 4));
  EXPECT_FALSE(many.enough());
}

TEST(LossValues, ANonFiniteTermIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const LossValues bad{nan, {{"cross_entropy", 1, 0.5}, {"boundary", 20, nan}}, {}};
  const Status found = check_finite(bad);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::non_finite_loss);
  EXPECT_NE(found.error().message.find("boundary"), std::string::npos);
  EXPECT_TRUE(check_finite({0.5, {{"cross_entropy", 1, 0.5}}, {}}));
  TermMeans means;
  add_terms({{"cross_entropy", 1, 2.0}, {"mask", 1, 4.0}}, means);
  add_terms({{"cross_entropy", 1, 4.0}}, means);
  EXPECT_EQ(means.at("cross_entropy").mean(), 3.0);
  EXPECT_EQ(means.at("mask").mean(), 4.0);
}

}  // namespace
}  // namespace dfa::test
