#include "train/nets/row_kernels.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.hpp"

namespace dfa::train {
namespace {

constexpr float kEps = 1e-6F;

float widened(Bf16Bits bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

Bf16Bits rounded(float value) {  // to the nearest, ties to even
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t below = bits & 0xFFFF0000U, rest = bits & 0xFFFFU;
  const bool up = rest > 0x8000U || (rest == 0x8000U && ((bits >> 16) & 1U) == 1);
  return static_cast<Bf16Bits>((below >> 16) + (up ? 1 : 0));
}

std::vector<float> drawn(std::string_view name, std::size_t count, double middle = 0) {
  RngStream stream(3, name);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(middle + 2 * stream.uniform() - 1);
  return values;
}

// The definitions in doubles. Widths that fill no vector of any instruction set among them.
class RowKernels : public testing::TestWithParam<std::size_t> {
 protected:
  std::size_t dim = GetParam();
  std::vector<float> x = drawn("x", dim, 0.7), weight = drawn("weight", dim, 1), bias = drawn("bias", dim);
  RowMoments moments = row_moments(x.data(), dim, kEps);
  std::vector<Bf16Bits> dy;
  std::vector<double> n, g;
  double g_mean = 0, product_mean = 0;

  void SetUp() override {
    double mean = 0, variance = 0;
    for (const float value : x) mean += value / static_cast<double>(dim);
    for (const float value : x) variance += (value - mean) * (value - mean) / static_cast<double>(dim);
    EXPECT_NEAR(moments.mean, mean, 1e-6);
    EXPECT_NEAR(moments.scale * std::sqrt(variance + kEps), 1, 1e-5);
    for (const float value : drawn("dy", dim)) dy.push_back(rounded(value));
    for (std::size_t i = 0; i < dim; ++i) {
      n.push_back((x[i] - mean) / std::sqrt(variance + kEps));
      g.push_back(static_cast<double>(widened(dy[i])) * weight[i]);
      g_mean += g[i] / static_cast<double>(dim);
      product_mean += g[i] * n[i] / static_cast<double>(dim);
    }
  }
};

TEST_P(RowKernels, RowsAreRoundedToTheNearest) {
  std::vector<Bf16Bits> y(dim);
  normalize_row(x.data(), moments, weight.data(), bias.data(), dim, y.data());
  for (std::size_t i = 0; i < dim; ++i) {
    const double exact = n[i] * weight[i] + bias[i];
    EXPECT_NEAR(widened(y[i]), exact, std::abs(exact) / 256 * 1.01 + 1e-5) << i;
  }
}

TEST_P(RowKernels, InputGradientIsThatOfTheDefinition) {
  std::vector<float> dx(dim);
  row_input_gradient(x.data(), moments, weight.data(), dy.data(), dim, dx.data());
  for (std::size_t i = 0; i < dim; ++i)
    EXPECT_NEAR(dx[i], moments.scale * (g[i] - g_mean - n[i] * product_mean), 1e-4) << i;
}

TEST_P(RowKernels, AffineGradientAndSumsAreAdded) {
  std::vector<float> dweight(dim, 1), dbias(dim, 2), sums(dim, 3);
  add_row_affine_gradient(x.data(), moments, dy.data(), dim, dweight.data(), dbias.data());
  add_row(dy.data(), dim, sums.data());
  for (std::size_t i = 0; i < dim; ++i) {
    EXPECT_NEAR(dweight[i], 1 + widened(dy[i]) * n[i], 1e-4) << i;
    EXPECT_FLOAT_EQ(dbias[i], 2 + widened(dy[i])) << i;
    EXPECT_FLOAT_EQ(sums[i], 3 + widened(dy[i])) << i;
  }
}

TEST_P(RowKernels, NarrowRowsAreAddedInF32) {
  std::vector<Bf16Bits> other;
  for (const float value : drawn("other", dim)) other.push_back(rounded(value));
  std::vector<float> one(dim), two(dim);
  add_narrow(x.data(), dy.data(), nullptr, dim, one.data());
  add_narrow(x.data(), dy.data(), other.data(), dim, two.data());
  for (std::size_t i = 0; i < dim; ++i) {
    EXPECT_EQ(one[i], x[i] + widened(dy[i])) << i;
    EXPECT_EQ(two[i], x[i] + (widened(dy[i]) + widened(other[i]))) << i;
  }
}

TEST_P(RowKernels, SoftmaxIsThatOfTheDefinitionAndSoIsItsGradient) {
  std::vector<Bf16Bits> row, gradient;
  for (const float value : drawn("scores", dim)) row.push_back(rounded(20 * value));
  for (const float value : drawn("gradient", dim)) gradient.push_back(rounded(value));
  std::vector<double> weights;
  double sum = 0, middle = 0;
  for (const Bf16Bits bits : row) sum += std::exp(widened(bits));
  for (const Bf16Bits bits : row) weights.push_back(std::exp(widened(bits)) / sum);
  softmax_row(row.data(), dim);
  for (std::size_t i = 0; i < dim; ++i) EXPECT_NEAR(widened(row[i]), weights[i], weights[i] / 256 * 1.01) << i;
  for (std::size_t i = 0; i < dim; ++i) middle += static_cast<double>(widened(row[i])) * widened(gradient[i]);
  std::vector<double> exact;
  for (std::size_t i = 0; i < dim; ++i) exact.push_back(widened(row[i]) * (widened(gradient[i]) - middle));
  softmax_gradient_row(row.data(), dim, gradient.data());
  for (std::size_t i = 0; i < dim; ++i)
    EXPECT_NEAR(widened(gradient[i]), exact[i], std::abs(exact[i]) / 256 * 1.01 + 1e-6) << i;
}

TEST_P(RowKernels, SoftmaxHidesNothingThatIsNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
    for (const std::size_t place : {std::size_t{0}, dim - 1}) {
      std::vector<Bf16Bits> row(dim, rounded(1.0F));
      row[place] = static_cast<Bf16Bits>(std::bit_cast<std::uint32_t>(bad) >> 16);
      softmax_row(row.data(), dim);
      for (const Bf16Bits bits : row) EXPECT_TRUE(std::isnan(widened(bits))) << bad;
    }
}

INSTANTIATE_TEST_SUITE_P(Widths, RowKernels, testing::Values(3, 16, 37, 192, 768));

TEST(RowKernel, NotANumberStaysOne) {
  const std::vector<float> x(20, std::numeric_limits<float>::quiet_NaN()), one(20, 1);
  std::vector<Bf16Bits> y(20);
  normalize_row(x.data(), row_moments(x.data(), 20, kEps), one.data(), one.data(), 20, y.data());
  for (const Bf16Bits bits : y) EXPECT_TRUE(std::isnan(widened(bits)));
}

}  // namespace
}  // namespace dfa::train
