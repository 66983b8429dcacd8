// The vectorised kernels against the plain loops, over sizes that fill no vector and tiles that are cut everywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "base/rng.hpp"
#include "nn/isa.hpp"
#include "nn/ops/attention.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/layer_norm.hpp"
#include "nn/ops/pixel_codes.hpp"
#include "nn/ops/ref_ops.hpp"
#include "nn/ops/resize.hpp"
#include "support/close.hpp"
#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

using test::expect_close;
using test::Expectation;
using test::Tolerance;

constexpr double kUnit = 0x1p-24;  // half a unit in the last place of 1

// Error of a float sum of `terms` products, relative to the sum of their magnitudes: in any order a term passes at most
// terms + 1 roundings.
double sum_error(double terms) {
  return (terms + 1) * kUnit / (1 - (terms + 1) * kUnit);
}

std::vector<float> random_values(RngStream& rng, std::size_t count, double low, double high) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.uniform(low, high));
  return values;
}

struct AttentionCase {
  int images, heads, head_dim, queries, keys, threads;
};

// q and out (N, Tq, H * head_dim); k and v beside each other, (N, Tk, 2 H * head_dim).
AttentionShape shape_of(const AttentionCase& c) {
  const std::size_t dim = static_cast<std::size_t>(c.heads) * static_cast<std::size_t>(c.head_dim);
  const std::size_t queries = static_cast<std::size_t>(c.queries), keys = static_cast<std::size_t>(c.keys);
  return {.images = c.images,
          .heads = c.heads,
          .head_dim = c.head_dim,
          .queries = c.queries,
          .keys = c.keys,
          .q = {queries * dim, dim},
          .kv = {keys * 2 * dim, 2 * dim},
          .out = {queries * dim, dim}};
}

Codes codes_of(std::size_t channels, int zero_point, float reach) {
  Codes codes{std::vector<float>(channels), zero_point};
  for (std::size_t i = 0; i < channels; ++i) codes.multipliers[i] = reach * (1.0F + static_cast<float>(i % 7));
  return codes;
}

template <class Value>
AttentionOut out_of(std::vector<Value>& values, Element element, const Codes* codes = nullptr) {
  return {reinterpret_cast<std::byte*>(values.data()), element, codes};
}

// `kernel` writes its result as f32, as bf16 and as codes (whose channels are all that differs from row to row).
template <class Kernel>
void expect_equal_formats(const AttentionShape& shape, const Kernel& kernel) {
  const std::size_t count = static_cast<std::size_t>(shape.images) * shape.out.image;
  std::vector<float> wide(count);
  std::vector<std::uint16_t> narrow(count);
  std::vector<std::uint8_t> got(count), want(count);
  const Codes codes = codes_of(shape.out.row, 117, 20.0F);
  kernel(out_of(wide, Element::f32));
  kernel(out_of(narrow, Element::bf16));
  kernel(out_of(got, Element::u8, &codes));
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(narrow[i], bf16_from_f32(wide[i])) << "value " << i;
  for (std::size_t i = 0; i < count; i += shape.out.row) encode_row(wide.data() + i, codes, want.data() + i);
  EXPECT_EQ(got, want);
}

class Attention : public testing::TestWithParam<AttentionCase> {
 protected:
  void SetUp() override { cap_highway(); }
};

// Bound on one output of a query, all in float against double:
//   score:   es = sum_error(d) * max over keys of sum_i |q_i k_i|; a weight exp(s - m) / l feels it twice, in s and in
//   m and l; exp:     remainder 1.2e-7 of the series, and 4 roundings around it, in numerator and sum: 2 * (1.2e-7 + 4
//   u); sums:    l and the output are sums over the keys, scaled again at most once a tile: 2 * sum_error(keys + keys /
//   64);
// all relative to sum_t w_t |v_t| <= max |v|.
double attention_tolerance(std::span<const float> query, std::span<const float> keys, std::size_t row, int count,
                           float largest_value) {
  double scores = 0;
  for (int t = 0; t < count; ++t) {
    double magnitude = 0;
    for (std::size_t i = 0; i < query.size(); ++i)
      magnitude += std::abs(query[i] * keys[static_cast<std::size_t>(t) * row + i]);
    scores = std::max(scores, magnitude);
  }
  const double score_error = 2 * sum_error(static_cast<double>(query.size())) * scores;
  const double exp_error = 2 * (1.2e-7 + 4 * kUnit);
  return (score_error + exp_error + 2 * sum_error(count + count / 64.0)) * largest_value;
}

TEST_P(Attention, AgreesWithThePlainLoops) {
  const AttentionCase c = GetParam();
  const std::size_t dim = static_cast<std::size_t>(c.heads) * static_cast<std::size_t>(c.head_dim);
  const std::size_t queries = static_cast<std::size_t>(c.queries), keys = static_cast<std::size_t>(c.keys);
  RngStream rng(1, "attention_test");
  const std::size_t images = static_cast<std::size_t>(c.images);
  const std::vector<float> q = random_values(rng, images * queries * dim, -1, 1);
  const std::vector<float> kv = random_values(rng, images * keys * 2 * dim, -3, 3);
  const AttentionShape shape = shape_of(c);
  std::vector<float> got(q.size(), -1.0F);
  // What lies in scratch before must not matter.
  std::vector<float> scratch(attention_scratch(shape, c.threads), std::numeric_limits<float>::quiet_NaN());
  attention(shape, q.data(), kv.data(), kv.data() + dim, out_of(got, Element::f32), scratch.data(), c.threads);
  for (std::size_t image = 0; image < images; ++image) {
    const float* k = kv.data() + image * keys * 2 * dim;
    const std::vector<float> want = ref::attention(
        {q.data() + image * queries * dim, c.queries, static_cast<int>(dim)}, {k, c.keys, static_cast<int>(2 * dim)},
        {k + dim, c.keys, static_cast<int>(2 * dim)}, c.heads, c.head_dim, 1.0, 1);
    const std::size_t head_dim = static_cast<std::size_t>(c.head_dim);
    for (std::size_t begin = 0; begin < want.size(); begin += head_dim) {
      const std::size_t column = begin % dim;
      const double tolerance =
          attention_tolerance(std::span(q).subspan(image * queries * dim + begin, head_dim),
                              std::span(k + column, (keys - 1) * 2 * dim + head_dim), 2 * dim, c.keys, 3.0F);
      ASSERT_TRUE(
          expect_close(std::vector(got.begin() + static_cast<std::ptrdiff_t>(image * queries * dim + begin),
                                   got.begin() + static_cast<std::ptrdiff_t>(image * queries * dim + begin + head_dim)),
                       std::vector(want.begin() + static_cast<std::ptrdiff_t>(begin),
                                   want.begin() + static_cast<std::ptrdiff_t>(begin + head_dim)),
                       {.absolute = tolerance}, Expectation::may_be_constant))
          << "image " << image << ", value " << begin;
    }
  }
}

std::vector<std::uint16_t> narrowed(const std::vector<float>& values) {
  std::vector<std::uint16_t> narrow;
  for (const float value : values) narrow.push_back(bf16_from_f32(value));
  return narrow;
}

std::vector<float> widened(std::span<const std::uint16_t> values) {
  std::vector<float> wide;
  for (const std::uint16_t value : values) wide.push_back(f32_from_bf16(value));
  return wide;
}

// Error of a weighted mean of values up to 1 on tiles, before it is rounded itself: weights are rounded to bf16 by at
// most 2^-9, their exponentials err by 7.5e-5, and both are felt in the weight and in the sum; the rest is far smaller.
constexpr double kTileError = 2 * (0x1p-9 + 7.5e-5) + 1e-5;

// Both bf16 kernels; rounding the result adds 2^-9 of it.
TEST_P(Attention, AgreesInBf16) {
  const AttentionCase c = GetParam();
  const std::size_t dim = static_cast<std::size_t>(c.heads) * static_cast<std::size_t>(c.head_dim);
  const std::size_t queries = static_cast<std::size_t>(c.queries), keys = static_cast<std::size_t>(c.keys);
  const std::size_t images = static_cast<std::size_t>(c.images);
  RngStream rng(2, "attention_test");
  const auto q = narrowed(random_values(rng, images * queries * dim, -1, 1));
  const auto kv = narrowed(random_values(rng, images * keys * 2 * dim, -3, 3));
  const AttentionShape shape = shape_of(c);
  const std::vector<float> wide_q = widened(q), wide_kv = widened(kv);
  std::vector<float> want(q.size());
  std::vector<float> scratch(attention_scratch(shape, c.threads));
  attention(shape, wide_q.data(), wide_kv.data(), wide_kv.data() + dim, out_of(want, Element::f32), scratch.data(),
            c.threads);
  const Tolerance tolerance{.absolute = 3.0 * (kTileError + 0x1p-9)};
  std::vector<std::uint16_t> got(q.size());
  attention_bf16(shape, q.data(), kv.data(), kv.data() + dim, out_of(got, Element::bf16), scratch.data(), c.threads);
  EXPECT_TRUE(expect_close(widened(got), want, tolerance, Expectation::may_be_constant));
  if (!has_amx() || !fits_amx(shape)) return;
  std::ranges::fill(got, std::uint16_t{0});
  // What lies in scratch before must not matter.
  std::vector<float> tiles(attention_amx_scratch(shape, c.threads), std::numeric_limits<float>::quiet_NaN());
  attention_amx(shape, q.data(), kv.data(), kv.data() + dim, out_of(got, Element::bf16), tiles.data(), c.threads);
  EXPECT_TRUE(expect_close(widened(got), want, tolerance, Expectation::may_be_constant));
}

TEST_P(Attention, WritesTheSameInEveryFormat) {
  const AttentionCase c = GetParam();
  const AttentionShape shape = shape_of(c);
  const std::size_t dim = shape.out.row, images = static_cast<std::size_t>(c.images);
  RngStream rng(3, "attention_test");
  const std::vector<float> q = random_values(rng, images * shape.q.image, -1, 1);
  const std::vector<float> kv = random_values(rng, images * shape.kv.image, -3, 3);
  const auto narrow_q = narrowed(q), narrow_kv = narrowed(kv);
  std::vector<float> scratch(attention_scratch(shape, c.threads));
  expect_equal_formats(shape, [&](const AttentionOut& out) {
    attention(shape, q.data(), kv.data(), kv.data() + dim, out, scratch.data(), c.threads);
  });
  expect_equal_formats(shape, [&](const AttentionOut& out) {
    attention_bf16(shape, narrow_q.data(), narrow_kv.data(), narrow_kv.data() + dim, out, scratch.data(), c.threads);
  });
  if (!has_amx() || !fits_amx(shape)) return;
  std::vector<float> tiles(attention_amx_scratch(shape, c.threads));
  expect_equal_formats(shape, [&](const AttentionOut& out) {
    attention_amx(shape, narrow_q.data(), narrow_kv.data(), narrow_kv.data() + dim, out, tiles.data(), c.threads);
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, Attention,
                         testing::Values(AttentionCase{1, 1, 1, 1, 1, 1}, AttentionCase{2, 3, 16, 17, 17, 1},
                                         AttentionCase{1, 6, 8, 17, 84, 2}, AttentionCase{1, 5, 7, 33, 300, 3},
                                         AttentionCase{2, 2, 64, 197, 197, 2}, AttentionCase{1, 1, 128, 25, 1029, 2},
                                         AttentionCase{1, 2, 130, 49, 385, 1}, AttentionCase{1, 2, 65, 24, 640, 1},
                                         AttentionCase{3, 1, 4, 1, 63, 2}, AttentionCase{1, 1, 33, 26, 64, 7},
                                         AttentionCase{1, 2, 32, 40, 20, 1}, AttentionCase{1, 1, 32, 70, 97, 2},
                                         AttentionCase{2, 1, 96, 33, 161, 2}),
                         [](const auto& instance) {
                           const AttentionCase& c = instance.param;
                           return "n" + std::to_string(c.images) + "h" + std::to_string(c.heads) + "d" +
                                  std::to_string(c.head_dim) + "q" + std::to_string(c.queries) + "k" +
                                  std::to_string(c.keys) + "t" + std::to_string(c.threads);
                         });

// One key wins by 4e4, wherever it lies: the others' weights underflow to nothing, none to infinity or NaN.
TEST(Ops, AttentionOfHugeScoresStaysFinite) {
  cap_highway();
  constexpr int kKeys = 600;
  const std::vector<float> q = {200, 200};
  const AttentionShape shape{.images = 1,
                             .heads = 1,
                             .head_dim = 2,
                             .queries = 1,
                             .keys = kKeys,
                             .q = {2, 2},
                             .kv = {4 * kKeys, 4},
                             .out = {2, 2}};
  for (const std::size_t winner : {std::size_t{0}, std::size_t{300}, std::size_t{kKeys - 1}}) {
    std::vector<float> kv(4 * kKeys, -100.0F);
    kv[4 * winner] = kv[4 * winner + 1] = 100.0F;
    kv[4 * winner + 2] = 7.0F;
    kv[4 * winner + 3] = -7.0F;
    std::vector<float> out(2), scratch(attention_scratch(shape, 1));
    attention(shape, q.data(), kv.data(), kv.data() + 2, out_of(out, Element::f32), scratch.data(), 1);
    EXPECT_EQ(out, (std::vector<float>{7.0F, -7.0F})) << "winner at " << winner;
  }
}

// Later keys win by more and more: what was summed before is scaled down again and again, at last to nothing.
TEST(Ops, AttentionOnTilesFollowsGrowingScores) {
  const int keys = 500, queries = 35;
  const AttentionShape shape = shape_of({1, 1, 32, queries, keys, 1});
  if (!has_amx()) GTEST_SKIP() << "no AMX here";
  RngStream rng(4, "attention_test");
  for (const float growth : {0.0F, 0.1F, 1.0F}) {
    std::vector<float> q = random_values(rng, 32 * queries, -0.5, 0.5), kv = random_values(rng, 64 * keys, -1, 1);
    for (std::size_t i = 0; i < q.size(); i += 32) q[i] = 1;
    for (std::size_t t = 0; t < static_cast<std::size_t>(keys); ++t) kv[64 * t] = growth * static_cast<float>(t % 450);
    const auto narrow_q = narrowed(q), narrow_kv = narrowed(kv);
    const std::vector<float> wide_q = widened(narrow_q), wide_kv = widened(narrow_kv);
    std::vector<float> got(q.size()), want(q.size());
    std::vector<float> scratch(attention_scratch(shape, 1)), tiles(attention_amx_scratch(shape, 1));
    attention(shape, wide_q.data(), wide_kv.data(), wide_kv.data() + 32, out_of(want, Element::f32), scratch.data(), 1);
    attention_amx(shape, narrow_q.data(), narrow_kv.data(), narrow_kv.data() + 32, out_of(got, Element::f32),
                  tiles.data(), 1);
    const double score_error = 2 * sum_error(32) * 450 * growth;
    EXPECT_TRUE(expect_close(got, want, {.absolute = kTileError + score_error})) << "growth " << growth;
  }
}

class LayerNorm : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { cap_highway(); }
};

// Bound on one output, float against double, |x| <= X, deviation s:
//   mean: sum_error(D) X; variance: its square root feels half of sum_error(D) + 2 roundings of each term, and the
//   mean's error; y = (x - mean) / s feels the mean's error over s, the deviation's relative to |y|, and 3 roundings;
//   the affine part 2 more.
TEST_P(LayerNorm, AgreesWithThePlainLoops) {
  const int dim = GetParam();
  constexpr int kRows = 5;
  RngStream rng(2, "layer_norm_test");
  const std::size_t width = static_cast<std::size_t>(dim);
  const std::vector<float> x = random_values(rng, kRows * width, -1, 3);
  const std::vector<float> weight = random_values(rng, width, 0.5, 1.5);
  const std::vector<float> bias = random_values(rng, width, -0.5, 0.5);
  const std::vector<float> want = ref::layer_norm(x, {weight, bias, 1e-6});
  std::vector<float> got(x.size());
  layer_norm({kRows, dim, width, width, 1e-6F}, x.data(), weight.data(), bias.data(), got.data(), 2);
  const double spread = dim == 1 ? 1e-3 : 0.05;  // the least deviation that such rows have; eps alone for one value
  const double mean_error = sum_error(dim) * 3 / spread;
  const double largest = 1.5 * std::sqrt(dim) + 0.5;
  const double tolerance = 1.5 * mean_error + (0.5 * (sum_error(dim) + 2 * kUnit) + mean_error + 5 * kUnit) * largest;
  EXPECT_TRUE(
      expect_close(got, want, {.absolute = tolerance}, dim == 1 ? Expectation::may_be_constant : Expectation::varied));
}

// The norm itself may round otherwise in the last place: a bf16 next to it, or the next code.
TEST_P(LayerNorm, WritesTheSameInEveryFormat) {
  const int dim = GetParam();
  constexpr int kRows = 5;
  RngStream rng(2, "layer_norm_test");
  const std::size_t width = static_cast<std::size_t>(dim);
  const std::vector<float> x = random_values(rng, kRows * width, -1, 3);
  const std::vector<float> weight = random_values(rng, width, 0.5, 1.5);
  const std::vector<float> bias = random_values(rng, width, -0.5, 0.5);
  const LayerNormShape shape{kRows, dim, width, width, 1e-6F};
  const Codes codes = codes_of(width, 131, 9.0F);
  std::vector<float> wide(x.size());
  std::vector<std::uint16_t> narrow(x.size());
  std::vector<std::uint8_t> coded(x.size()), want(width);
  for (const float* scale : {static_cast<const float*>(nullptr), weight.data()}) {
    layer_norm(shape, x.data(), scale, bias.data(), wide.data(), 2);
    layer_norm_bf16(shape, x.data(), scale, bias.data(), narrow.data(), 2);
    layer_norm_u8(shape, x.data(), scale, bias.data(), codes, coded.data(), 2);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i % width == 0) encode_row(wide.data() + i, codes, want.data());
      ASSERT_NEAR(narrow[i], bf16_from_f32(wide[i]), 1) << "value " << i;
      ASSERT_NEAR(coded[i], want[i % width], 1) << "value " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, LayerNorm, testing::Values(1, 2, 7, 16, 31, 48, 64, 100, 768, 1027));

TEST(Ops, LayerNormTakesStridedRowsAndNoAffinePart) {
  cap_highway();
  const std::vector<float> x = {1, 3, 9, 9, -2, 2, 9, 9};  // rows of 2, 4 apart
  std::vector<float> y(4);
  layer_norm({2, 2, 4, 2, 0.0F}, x.data(), nullptr, nullptr, y.data(), 1);
  EXPECT_EQ(y, (std::vector<float>{-1, 1, -1, 1}));
}

// Ties, both ends, what lies far beyond them and what is no number: in whole vectors and in what is left of a row.
std::vector<float> awkward_values(std::size_t count) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> some = {0.5F,        1.5F,        2.5F,       -0.5F,
                                   -1.5F,       127.5F,      128.5F,     -128.5F,
                                   1e30F,       -1e30F,      4.0e9F,     -3e9F,
                                   -0.0F,       kInfinity,   -kInfinity, 1e-40F,
                                   3.14F,       -2.71F,      254.5F,     std::numeric_limits<float>::quiet_NaN(),
                                   1.00390625F, 1.01171875F, 3.4e38F};
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(some[i * 5 % some.size()]);
  return values;
}

TEST(Ops, NarrowValuesRoundsAsTheScalarDoes) {
  cap_highway();
  const std::vector<float> values = awkward_values(16384 + 61);
  std::vector<std::uint16_t> got(values.size());
  narrow_values(values.data(), values.size(), got.data(), 2);
  EXPECT_EQ(got, narrowed(values));
}

TEST(Ops, EncodeValuesGivesTheOraclesCodes) {
  cap_highway();
  constexpr std::size_t kChannels = 77;
  constexpr int kRows = 3;
  const std::vector<float> values = awkward_values(kRows * kChannels);
  for (const int zero_point : {0, 1, 128, 255}) {
    const Codes codes = codes_of(kChannels, zero_point, 1.0F);
    std::vector<std::uint8_t> got(values.size()), want(values.size());
    encode_values(values.data(), kRows, codes, got.data(), 2);
    for (std::size_t row = 0; row < values.size(); row += kChannels)
      encode_row(values.data() + row, codes, want.data() + row);
    EXPECT_EQ(got, want) << "zero point " << zero_point;
  }
}

// A plane, its lines longer than what is read of them.
TEST(Ops, PixelsAndPatchesGetTheOraclesCodes) {
  cap_highway();
  constexpr std::size_t kLine = 150, kCount = 137, kSide = 19;
  const std::vector<float> values = awkward_values(3 * kLine * kSide);
  const Planes planes{values.data(), kLine * kSide, kLine};
  const Codes codes = codes_of(3, 117, 1.0F), patch_codes = codes_of(3 * kSide * kSide, 117, 1.0F);
  std::vector<std::uint8_t> got(3 * kCount), want(got.size()), patch(3 * kSide * kSide), want_patch(patch.size());
  encode_pixels(planes, kCount, codes, got.data());
  encode_patch(planes, kSide, patch_codes, patch.data());
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t x = 0; x < kCount; ++x)
      want[3 * x + c] = code_of(values[c * planes.plane + x], codes.multipliers[c], codes.zero_point);
    for (std::size_t i = 0; i < kSide * kSide; ++i) {
      const std::size_t at = c * kSide * kSide + i;
      want_patch[at] = code_of(values[c * planes.plane + i / kSide * kLine + i % kSide], patch_codes.multipliers[at],
                               patch_codes.zero_point);
    }
  }
  EXPECT_EQ(got, want);
  EXPECT_EQ(patch, want_patch);
}

// Figures of torch 2.15.0, interpolate(mode="bilinear", align_corners=False), of i^2 / 10 for i = 0 to 8.
TEST(ResizeBilinear, GivesTorchsFigures) {
  const std::vector<float> image = {0.0F, 0.1F, 0.4F, 0.9F, 1.6F, 2.5F, 3.6F, 4.9F, 6.4F};
  std::vector<float> larger(16), smaller(4);
  resize_bilinear(image.data(), 1, 3, 4, larger.data(), 1);
  resize_bilinear(image.data(), 1, 3, 2, smaller.data(), 1);
  EXPECT_TRUE(expect_close(larger,
                           std::vector<float>{0.0F, 0.0625F, 0.2125F, 0.4F, 0.5625F, 0.859375F, 1.290625F, 1.7125F,
                                              1.9125F, 2.490625F, 3.259375F, 3.9625F, 3.6F, 4.4125F, 5.4625F, 6.4F},
                           {.absolute = 1e-6}));
  EXPECT_TRUE(expect_close(smaller, std::vector<float>{0.2875F, 0.8125F, 3.2125F, 5.0875F}, {.absolute = 1e-6}));
}

}  // namespace
}  // namespace dfa
