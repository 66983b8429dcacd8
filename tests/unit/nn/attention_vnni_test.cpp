// Note [Attention by whole numbers] against plain loops that round as it does, and against what it stands for.
#include "nn/ops/attention_vnni.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "base/rng.hpp"
#include "nn/isa.hpp"
#include "support/close.hpp"
#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

using test::expect_close;
using test::Expectation;

constexpr double kWeight = 32760;  // of the largest score
constexpr double kCubic = 7.5e-5;  // error of 2^f

struct Rows {
  const float* first;
  std::size_t stride, count, width;
  float at(std::size_t row, std::size_t i) const { return first[row * stride + i]; }
};

struct Head {
  Rows q, k, v;
};

// Operands of a shape, k and v beside each other, scores of deviation 1 where nothing else is asked for.
struct Operands {
  AttentionShape shape;
  std::vector<float> q, kv;

  Operands(int images, int heads, int head_dim, int queries, int keys) {
    const std::size_t dim = static_cast<std::size_t>(heads) * static_cast<std::size_t>(head_dim);
    const std::size_t tq = static_cast<std::size_t>(queries), tk = static_cast<std::size_t>(keys);
    shape = {images, heads, head_dim, queries, keys, {tq * dim, dim}, {tk * 2 * dim, 2 * dim}, {tq * dim, dim}};
    RngStream rng(5, "attention_vnni_test");
    q.resize(static_cast<std::size_t>(images) * tq * dim);
    kv.resize(static_cast<std::size_t>(images) * tk * 2 * dim);
    const double reach = std::sqrt(3.0 / head_dim);  // of a uniform variable with variance 1 / head_dim
    for (float& x : q) x = static_cast<float>(rng.uniform(-reach, reach));
    for (float& x : kv) x = static_cast<float>(rng.uniform(-std::sqrt(3.0), std::sqrt(3.0)));
  }
  std::size_t dim() const { return shape.out.row; }
  Head head(std::size_t image, std::size_t index) const {
    const std::size_t width = static_cast<std::size_t>(shape.head_dim), at = index * width;
    const std::size_t keys = static_cast<std::size_t>(shape.keys);
    const float* k = kv.data() + image * shape.kv.image + at;
    return {{q.data() + image * shape.q.image + at, shape.q.row, static_cast<std::size_t>(shape.queries), width},
            {k, shape.kv.row, keys, width},
            {k + dim(), shape.kv.row, keys, width}};
  }
  // What lies in scratch before must not matter.
  void run(const AttentionOut& out, int threads) const {
    std::vector<float> scratch(attention_vnni_scratch(shape, threads), std::numeric_limits<float>::quiet_NaN());
    attention_vnni(shape, q.data(), kv.data(), kv.data() + dim(), out, scratch.data(), threads);
  }
  std::vector<float> result(int threads = 1) const {
    std::vector<float> out(q.size(), -1.0F);
    run({reinterpret_cast<std::byte*>(out.data()), Element::f32, nullptr}, threads);
    return out;
  }
};

// fma and rounding to nearest, as the instructions do.
float fused(float a, float b, float c) {
  return std::fma(a, b, c);
}

float power_of_two(float t) {
  const float n = std::nearbyint(t), f = t - n;
  float power = fused(f, 0.05517168F, 0.24261117F);
  power = fused(power, f, 0.69326097F);
  power = fused(power, f, 0.99992806F);
  return std::ldexp(power, static_cast<int>(n));
}

struct CodedRow {
  std::vector<int> codes;
  float scale = 0;
};

// value = x factor - offset
struct Channels {
  std::vector<float> factors, offsets;
  float of(const Rows& rows, std::size_t row, std::size_t i) const {
    return fused(rows.at(row, i), factors[i], -offsets[i]);
  }
};

CodedRow coded(const Rows& rows, std::size_t row, const Channels& channels) {
  CodedRow made;
  float reach = 0;
  for (std::size_t i = 0; i < rows.width; ++i) reach = std::max(reach, std::abs(channels.of(rows, row, i)));
  const bool some = reach > 1e-30F;
  const float inverse = some ? 127.0F / reach : 0.0F;
  for (std::size_t i = 0; i < rows.width; ++i)
    made.codes.push_back(static_cast<int>(std::nearbyint(channels.of(rows, row, i) * inverse)));
  made.scale = some ? reach / 127.0F : 0.0F;
  return made;
}

// The mean of term(row) over about 48 rows, evenly spread.
template <class Term>
float mean_of(std::size_t rows, const Term& term) {
  const std::size_t every = (rows + 47) / 48;
  float sum = 0;
  for (std::size_t t = 0; t < rows; t += every) sum += term(t);
  return sum * (1.0F / static_cast<float>((rows + every - 1) / every));
}

struct Balance {
  Channels queries, keys;

  explicit Balance(const Head& head) {
    for (std::size_t i = 0; i < head.k.width; ++i) {
      const float mean = mean_of(head.k.count, [&](std::size_t t) { return head.k.at(t, i); });
      const float keys_spread = mean_of(head.k.count, [&](std::size_t t) { return std::abs(head.k.at(t, i) - mean); });
      const float queries_spread = mean_of(head.q.count, [&](std::size_t t) { return std::abs(head.q.at(t, i)); });
      const bool some = keys_spread > 1e-30F && queries_spread > 1e-30F;
      const float factor = std::sqrt(some ? keys_spread / queries_spread : 1.0F), inverse = 1.0F / factor;
      queries.factors.push_back(factor);
      queries.offsets.push_back(0);
      keys.factors.push_back(inverse);
      keys.offsets.push_back(mean * inverse);
    }
  }
};

// Keys of the blocks: vectors of 16, at most 16 of them a block, as equal as can be, the larger first.
std::vector<std::size_t> block_ends(std::size_t keys) {
  const std::size_t vectors = (keys + 15) / 16, blocks = (vectors + 15) / 16;
  std::vector<std::size_t> ends;
  for (std::size_t block = 0, end = 0; block < blocks; ++block) {
    end += vectors / blocks + (block < vectors % blocks ? 1 : 0);
    ends.push_back(std::min(keys, end * 16));
  }
  return ends;
}

// The kernel's arithmetic on one head, in plain loops: (queries, width).
std::vector<float> twin(const Head& head) {
  const Balance balance(head);
  std::vector<CodedRow> keys;
  for (std::size_t t = 0; t < head.k.count; ++t) keys.push_back(coded(head.k, t, balance.keys));
  std::vector<float> value_scales(head.v.width);
  std::vector<int> values(head.v.count * head.v.width);
  for (std::size_t i = 0; i < head.v.width; ++i) {
    float reach = 0;
    for (std::size_t t = 0; t < head.v.count; ++t) reach = std::max(reach, std::abs(head.v.at(t, i)));
    const bool some = reach > 1e-30F;
    const float inverse = some ? 255.0F / reach : 0.0F;
    value_scales[i] = some ? reach / 255.0F : 0.0F;
    for (std::size_t t = 0; t < head.v.count; ++t)
      values[t * head.v.width + i] = static_cast<int>(std::nearbyint(head.v.at(t, i) * inverse));
  }
  std::vector<float> out;
  for (std::size_t query = 0; query < head.q.count; ++query) {
    const CodedRow row = coded(head.q, query, balance.queries);
    const float scale = 1.44269504F * row.scale;
    float top = std::numeric_limits<float>::lowest(), total = 0;
    std::vector<float> mixed(head.v.width);
    std::size_t key = 0;
    for (const std::size_t end : block_ends(head.k.count)) {
      std::vector<float> scores;
      for (std::size_t t = key; t < end; ++t) {
        int sum = 0;
        for (std::size_t i = 0; i < head.k.width; ++i) sum += row.codes[i] * keys[t].codes[i];
        scores.push_back(static_cast<float>(sum) * keys[t].scale);
      }
      const float before = top;
      top = std::max(before, scale * *std::ranges::max_element(scores));
      const float factor = power_of_two(std::max(before - top, -126.0F));
      std::int32_t weight_sum = 0;
      std::vector<std::int32_t> sums(head.v.width);
      for (std::size_t t = key; t < end; ++t) {
        const float power = std::max(fused(scores[t - key], scale, 14.9996477F - top), -2.0F);
        const int weight = std::min(32767, static_cast<int>(std::nearbyint(power_of_two(power))));
        weight_sum += weight;
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * values[t * sums.size() + i];
      }
      for (std::size_t i = 0; i < sums.size(); ++i) mixed[i] = fused(mixed[i], factor, static_cast<float>(sums[i]));
      total = fused(total, factor, static_cast<float>(weight_sum));
      key = end;
    }
    const float share = 1.0F / total;
    for (std::size_t i = 0; i < mixed.size(); ++i) out.push_back(mixed[i] * share * value_scales[i]);
  }
  return out;
}

// softmax(q k^T) v of one query in f64, and how far the kernel may be from it.
struct Truth {
  std::vector<double> values;
  double tolerance = 0;
};

// Codes are off by half a step: q_i, as balanced, by dq = max|q| / 254, k_i by dk = max|k| / 254, so a score by es =
// sum
// (|q_i| dk + |k_i| dq + dq dk), and the weights' ratios by exp(2 es) at most. Among values in [-V, V] that moves a
// mean by 2 V tanh(es / 2). Weights are off by 1/2 of 32760 for the largest, and by the cubic's error, as the tops of
// blocks are; values by V / 510.
Truth truth_of(const Head& head, std::size_t query) {
  const Balance balance(head);
  const std::size_t width = head.q.width;
  double query_reach = 0, worst = 0, largest = -HUGE_VAL, value_reach = 0;
  for (std::size_t i = 0; i < width; ++i)
    query_reach = std::max<double>(query_reach, std::abs(balance.queries.of(head.q, query, i)));
  std::vector<double> scores;
  for (std::size_t t = 0; t < head.k.count; ++t) {
    double score = 0, reach = 0, error = 0;
    for (std::size_t i = 0; i < width; ++i) reach = std::max<double>(reach, std::abs(balance.keys.of(head.k, t, i)));
    const double dq = query_reach / 254, dk = reach / 254;
    for (std::size_t i = 0; i < width; ++i) {
      const double q = balance.queries.of(head.q, query, i), k = balance.keys.of(head.k, t, i);
      score += static_cast<double>(head.q.at(query, i)) * head.k.at(t, i);
      error += std::abs(q) * dk + std::abs(k) * dq + dq * dk;
      value_reach = std::max<double>(value_reach, std::abs(head.v.at(t, i)));
    }
    scores.push_back(score);
    worst = std::max(worst, error);
    largest = std::max(largest, score);
  }
  double sum = 0;
  std::vector<double> values(width);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const double weight = std::exp(scores[t] - largest);
    sum += weight;
    for (std::size_t i = 0; i < width; ++i) values[i] += weight * head.v.at(t, i);
  }
  for (double& value : values) value /= sum;
  const double blocks = static_cast<double>(block_ends(scores.size()).size());
  const double rounding = static_cast<double>(scores.size()) / 2 / kWeight + 2 * (blocks + 1) * kCubic + 1e-5;
  return {values, value_reach * (2 * std::tanh(worst / 2) + 2 * rounding + 1.0 / 510)};
}

void expect_within_rounding(const Operands& operands) {
  const std::vector<float> got = operands.result();
  const Head head = operands.head(0, 0);
  for (std::size_t query = 0; query < head.q.count; ++query) {
    const Truth want = truth_of(head, query);
    const auto first = got.begin() + static_cast<std::ptrdiff_t>(query * operands.dim());
    ASSERT_TRUE(expect_close(std::vector<double>(first, first + static_cast<std::ptrdiff_t>(head.q.width)), want.values,
                             {.absolute = want.tolerance}, Expectation::may_be_constant))
        << "query " << query;
  }
}

class WholeAttention : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_avx512_vnni()) GTEST_SKIP() << "no AVX512-VNNI here";
  }
};

struct Case {
  int images, heads, head_dim, queries, keys, threads;
};

class WholeAttentionShape : public WholeAttention, public testing::WithParamInterface<Case> {
 public:
  Operands operands() const {
    const Case& c = GetParam();
    return {c.images, c.heads, c.head_dim, c.queries, c.keys};
  }
};

TEST_P(WholeAttentionShape, EqualsThePlainLoopsToTheBit) {
  const Operands o = operands();
  const std::vector<float> got = o.result(GetParam().threads);
  std::vector<float> want(got.size());
  for (std::size_t image = 0; image < static_cast<std::size_t>(o.shape.images); ++image) {
    for (std::size_t index = 0; index < static_cast<std::size_t>(o.shape.heads); ++index) {
      const Head head = o.head(image, index);
      const std::vector<float> rows = twin(head);
      for (std::size_t i = 0; i < rows.size(); ++i)
        want[image * o.shape.out.image + i / head.q.width * o.dim() + index * head.q.width + i % head.q.width] =
            rows[i];
    }
  }
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(want[i])) << "value " << i;
}

TEST_P(WholeAttentionShape, StaysWithinTheRounding) {
  expect_within_rounding(operands());
}

// Each score errs by itself, so a result errs by the deviation of a score's error, relative to its own; half as much
// again for weights and values.
TEST_P(WholeAttentionShape, ErrsAsScoresDo) {
  const Operands o = operands();
  if (o.q.size() < 1000 || o.shape.keys < 16) GTEST_SKIP() << "too few values";
  const std::vector<float> got = o.result();
  const Head head = o.head(0, 0);
  double error = 0, size = 0;
  for (std::size_t query = 0; query < head.q.count; ++query) {
    const Truth want = truth_of(head, query);
    for (std::size_t i = 0; i < want.values.size(); ++i) {
      error += std::pow(got[query * o.dim() + i] - want.values[i], 2);
      size += std::pow(want.values[i], 2);
    }
  }
  // A code's error is uniform: its deviation is a step over sqrt 12. Steps are sqrt 3 sigma / 127, of q and of k.
  const double deviation = std::sqrt(2.0) * std::sqrt(3.0) / 127 / std::sqrt(12.0);
  EXPECT_LT(std::sqrt(error / size), 1.5 * deviation);
  EXPECT_GT(std::sqrt(error / size), 0.3 * deviation);  // it did round
}

// Operands that are whole bf16 numbers give the same in both; results in the other formats are the f32 ones, rounded.
TEST_P(WholeAttentionShape, TakesAndWritesEveryFormat) {
  Operands o = operands();
  std::vector<std::uint16_t> q, kv;
  for (float& x : o.q) x = f32_from_bf16(q.emplace_back(bf16_from_f32(x)));
  for (float& x : o.kv) x = f32_from_bf16(kv.emplace_back(bf16_from_f32(x)));
  const std::vector<float> wide = o.result();
  std::vector<std::uint16_t> narrow(wide.size());
  std::vector<std::uint8_t> codes(wide.size()), row(o.dim());
  Codes scale{std::vector<float>(o.dim()), 117};
  for (std::size_t i = 0; i < o.dim(); ++i) scale.multipliers[i] = 90.0F * static_cast<float>(1 + i % 7);
  const int threads = GetParam().threads;
  o.run({reinterpret_cast<std::byte*>(codes.data()), Element::u8, &scale}, threads);
  std::vector<float> scratch(attention_vnni_scratch(o.shape, threads));
  attention_vnni_bf16(o.shape, q.data(), kv.data(), kv.data() + o.dim(),
                      {reinterpret_cast<std::byte*>(narrow.data()), Element::bf16, nullptr}, scratch.data(), threads);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    ASSERT_EQ(narrow[i], bf16_from_f32(wide[i])) << "value " << i;
    if (i % o.dim() == 0) encode_row(wide.data() + i, scale, row.data());
    ASSERT_EQ(codes[i], row[i % o.dim()]) << "value " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, WholeAttentionShape,
                         testing::Values(Case{1, 1, 1, 1, 1, 1}, Case{2, 3, 16, 17, 17, 1}, Case{1, 5, 7, 33, 300, 3},
                                         Case{1, 2, 64, 197, 197, 2}, Case{1, 1, 128, 25, 1029, 2},
                                         Case{1, 2, 130, 13, 256, 1}, Case{1, 2, 65, 24, 257, 1},
                                         Case{3, 1, 4, 1, 63, 2}, Case{1, 1, 33, 26, 64, 7}),
                         [](const auto& instance) {
                           const Case& c = instance.param;
                           return "n" + std::to_string(c.images) + "h" + std::to_string(c.heads) + "d" +
                                  std::to_string(c.head_dim) + "q" + std::to_string(c.queries) + "k" +
                                  std::to_string(c.keys) + "t" + std::to_string(c.threads);
                         });

// One key is exp(7) times likelier than each of 1028 others: weights of 8 bits would lose all of those, half the mass.
TEST_F(WholeAttention, LosesNoMass) {
  for (const float favour : {0.0F, 1.0F, 7.0F}) {
    Operands o(1, 1, 128, 25, 1029);
    for (std::size_t i = 0; i < o.q.size(); ++i) o.q[i] = i % 128 == 0 ? 1.0F : 0.0F;
    for (std::size_t t = 0; t < 1029; ++t) std::fill_n(o.kv.begin() + static_cast<std::ptrdiff_t>(t * 256), 128, 0.0F);
    o.kv[3 * 256] = favour;  // in the first block: all later weights are relative to it
    expect_within_rounding(o);
    for (std::size_t t = 0; t < 1029; ++t)
      std::fill_n(o.kv.begin() + static_cast<std::ptrdiff_t>(t * 256 + 128), 128, 3.0F);
    // However weights are rounded, a mean of equal values is that value.
    EXPECT_TRUE(
        expect_close(o.result(), std::vector<float>(25 * 128, 3.0F), {.relative = 1e-6}, Expectation::may_be_constant));
  }
}

TEST_F(WholeAttention, GivesTheValuesOfAKeyThatWinsAlone) {
  for (const std::size_t winner : {std::size_t{0}, std::size_t{300}, std::size_t{599}}) {
    Operands o(1, 1, 2, 7, 600);
    std::ranges::fill(o.q, 200.0F);
    std::ranges::fill(o.kv, -100.0F);
    for (const std::size_t i : {0, 1}) o.kv[4 * winner + i] = 100.0F;
    o.kv[4 * winner + 2] = 7.0F;
    o.kv[4 * winner + 3] = -7.0F;
    const std::vector<float> got = o.result();
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i], i % 2 == 0 ? 7.0 : -7.0, 100.0 / 510 + 1e-4) << "winner at " << winner;
    }
  }
}

// What is large in every key moves all scores of a query alike: a softmax does not feel it, and no code is spent on it.
TEST_F(WholeAttention, ForgetsWhatAllKeysShare) {
  Operands o(1, 1, 64, 20, 300);
  const std::vector<float> want = o.result();
  for (std::size_t t = 0; t < 300; ++t) {
    o.kv[t * 128 + 5] += 64.0F;
    o.kv[t * 128 + 40] -= 32.0F;
  }
  // The mean is f32: codes differ by one where a value lies between two.
  EXPECT_TRUE(expect_close(o.result(), want, {.absolute = 2e-3}));
}

// A channel 50 times as large in the keys and small in the queries costs the others no codes.
TEST_F(WholeAttention, BalancesChannels) {
  Operands o(1, 1, 64, 50, 300);
  const std::vector<float> want = o.result();
  for (std::size_t t = 0; t < 300; ++t) o.kv[t * 128 + 5] *= 50.0F;
  for (std::size_t t = 0; t < 50; ++t) o.q[t * 64 + 5] /= 50.0F;
  EXPECT_TRUE(expect_close(o.result(), want, {.absolute = 1e-5}));
}

// Later keys win by more and more, over several blocks: what was summed before is scaled down, at last to nothing.
TEST_F(WholeAttention, FollowsGrowingScores) {
  for (const float growth : {0.01F, 0.1F, 1.0F}) {
    Operands o(1, 1, 32, 7, 900);
    for (std::size_t i = 0; i < o.q.size(); i += 32) o.q[i] = 1;
    for (std::size_t t = 0; t < 900; ++t) o.kv[64 * t] = growth * static_cast<float>(t % 850);
    expect_within_rounding(o);
    const std::vector<float> got = o.result();
    EXPECT_EQ(got, twin(o.head(0, 0)));
  }
}

TEST_F(WholeAttention, OfNothingIsTheMean) {
  Operands o(1, 1, 16, 5, 40);
  std::ranges::fill(o.q, 0.0F);
  expect_within_rounding(o);
  std::ranges::fill(o.kv, 0.0F);
  EXPECT_EQ(o.result(), std::vector<float>(5 * 16));
}

}  // namespace
}  // namespace dfa
