// Every fast matrix product that runs here against the plain loops, over sizes that fill no tile, step or strip.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "nn/isa.hpp"
#include "nn/ops/gemm.hpp"
#include "nn/ops/gemm_plain.hpp"
#include "nn/plan/value.hpp"
#include "support/close.hpp"

namespace dfa {
namespace {

using test::expect_close;
using test::Expectation;
using test::Tolerance;

struct Shape {
  int rows, in, out;
};

struct Ending {
  Element element;
  After after;
};

constexpr Ending kEndings[] = {
    {Element::f32, After::nothing},  {Element::f32, After::add_to_destination},
    {Element::f32, After::gelu},     {Element::f32, After::quick_gelu},
    {Element::f32, After::silu},     {Element::f32, After::relu},
    {Element::bf16, After::nothing}, {Element::bf16, After::gelu},
    {Element::bf16, After::silu},    {Element::u8, After::nothing},
    {Element::u8, After::relu},      {Element::u8, After::gelu},
};

// Large products need not be ended in every way again.
std::span<const Ending> endings(Shape shape) {
  constexpr std::size_t kFewValues = 100 * 100 * 100;
  const std::size_t terms =
      static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.in) * static_cast<std::size_t>(shape.out);
  return std::span<const Ending>(kEndings).first(terms < kFewValues ? std::size(kEndings) : 2);
}

// Largest error of an activation of our own, absolute and relative to it: gelu 4e-5; the exponential of the others
// 2.5e-6. The plain loops themselves round.
constexpr Tolerance kActivation = {4e-5, 4e-6};

// Memory that begins on a cache line.
class Lines {
 public:
  explicit Lines(std::size_t bytes) : memory_(bytes + 64) {}
  std::byte* data() { return memory_.data() + (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64; }

 private:
  std::vector<std::byte> memory_;
};

// Operands whose products are of the order of 1 whatever the depth, so that activations bend.
struct Operands {
  explicit Operands(Shape shape_, RngStream& rng)
      : shape(shape_), rows(count(shape.rows)), in(count(shape.in)), out(count(shape.out)) {
    const float size = 3.0F / std::sqrt(static_cast<float>(shape.in));
    weights = {shape.in, shape.out, std::vector<std::int8_t>(in * out), std::vector<float>(out),
               std::vector<std::int32_t>(out)};
    for (std::size_t o = 0; o < out; ++o) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < in; ++i) {
        // The largest of both signs often: sums of neighbours must not saturate.
        const double drawn = rng.uniform(-200, 200);
        weights.values[o * in + i] = static_cast<std::int8_t>(std::clamp(drawn, -127.0, 127.0));
        sum += weights.values[o * in + i];
      }
      weights.offsets[o] = codes.zero_point * sum;
      weights.scales[o] = size / (75 * 90) * static_cast<float>(rng.uniform(0.5, 1));
      bias.push_back(static_cast<float>(rng.uniform(-1, 1)));
      codes.multipliers.push_back(static_cast<float>(rng.uniform(20, 60)));
    }
    for (std::size_t i = 0; i < rows * in; ++i) {
      source.push_back(static_cast<std::uint8_t>(std::clamp(rng.uniform(-60, 315), 0.0, 255.0)));
      wide.push_back(bf16_from_f32(static_cast<float>(rng.uniform(-1, 1))));
    }
    for (std::size_t i = 0; i < in * out; ++i) plain.push_back(size * static_cast<float>(rng.uniform(-1, 1)));
    for (std::size_t i = 0; i < rows * out; ++i) before.push_back(static_cast<float>(rng.uniform(-1, 1)));
  }

  static std::size_t count(int value) { return static_cast<std::size_t>(value); }

  Shape shape;
  std::size_t rows, in, out;
  Codes codes{{}, 101};
  Int8Weights weights;
  std::vector<float> bias, plain, before;  // plain: weights of bf16 products; before: what the destination held
  std::vector<std::uint8_t> source;
  std::vector<std::uint16_t> wide;
};

constexpr std::byte kGuard{0xa5};
constexpr std::size_t kGuardBytes = 128;

// The destination as values: codes as they are.
std::vector<float> run(const Operands& operands, GemmKernel kernel, Ending ending, int threads) {
  const bool bf16 = kernel == GemmKernel::amx_bf16;
  Lines packed(packed_bytes(kernel, operands.shape.in, operands.shape.out));
  if (bf16)
    pack_bf16(kernel, operands.plain, operands.shape.in, operands.shape.out, packed.data());
  else
    pack_int8(kernel, operands.weights, packed.data());
  const PackedMatrix matrix{kernel,
                            operands.shape.in,
                            operands.shape.out,
                            packed.data(),
                            operands.bias.data(),
                            bf16 ? nullptr : operands.weights.scales.data(),
                            bf16 ? nullptr : operands.weights.offsets.data()};
  const std::size_t values = operands.rows * operands.out, bytes = values * element_size(ending.element);
  std::vector<std::byte> to(bytes + kGuardBytes, kGuard);
  if (ending.after == After::add_to_destination) std::memcpy(to.data(), operands.before.data(), bytes);
  std::vector<std::byte> scratch(gemm_scratch(matrix, operands.shape.rows, threads));
  gemm(matrix,
       bf16 ? reinterpret_cast<const std::byte*>(operands.wide.data())
            : reinterpret_cast<const std::byte*>(operands.source.data()),
       operands.shape.rows, {to.data(), ending.element, ending.after, &operands.codes}, scratch.data(), threads);
  EXPECT_TRUE(std::all_of(to.begin() + static_cast<std::ptrdiff_t>(bytes), to.end(), [](std::byte value) {
    return value == kGuard;
  })) << "written beyond the end";
  std::vector<float> made(values);
  for (std::size_t i = 0; i < values; ++i) {
    if (ending.element == Element::f32) {
      std::memcpy(&made[i], to.data() + 4 * i, 4);
    } else if (ending.element == Element::bf16) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, to.data() + 2 * i, 2);
      made[i] = wide(bits);
    } else {
      made[i] = static_cast<float>(std::to_integer<int>(to[i]));
    }
  }
  return made;
}

std::string describe(Ending ending, int threads) {
  return std::string(element_name(ending.element)) + ", after " + std::to_string(static_cast<int>(ending.after)) +
         ", threads " + std::to_string(threads);
}

// How a product is ended has nothing to do with who does it.
std::vector<int> thread_counts(Ending ending) {
  return ending.after == After::nothing ? std::vector{1, 2, 3} : std::vector{1};
}

class Gemm : public testing::TestWithParam<std::tuple<GemmKernel, Shape>> {
 protected:
  void SetUp() override {
    if (!gemm_runs_here(std::get<0>(GetParam())))
      GTEST_SKIP() << "no instructions for " << gemm_kernel_name(std::get<0>(GetParam()))
                   << " here: " << effective_isa();
  }
};

class Int8Gemm : public Gemm {};
class Bf16Gemm : public Gemm {};

TEST_P(Int8Gemm, IsThePlainProduct) {
  const auto& [kernel, shape] = GetParam();
  RngStream rng = RngStream(8, "gemm");
  const Operands operands(shape, rng);
  for (const Ending ending : endings(shape)) {
    const std::vector<float> want = run(operands, GemmKernel::plain_int8, ending, 1);
    // The same sums, scaled by the same operations: only activations may differ.
    Tolerance tolerance;
    const bool exact =
        ending.after == After::nothing || ending.after == After::add_to_destination || ending.after == After::relu;
    if (!exact) {
      tolerance = kActivation;
      if (ending.element == Element::bf16) tolerance.relative += 0x1p-7;  // a neighbouring number
      if (ending.element == Element::u8) tolerance = {1, 0};
    }
    for (const int threads : thread_counts(ending)) {
      SCOPED_TRACE(describe(ending, threads));
      const std::vector<float> got = run(operands, kernel, ending, threads);
      if (exact)
        EXPECT_EQ(got, want);
      else
        EXPECT_TRUE(expect_close(got, want, tolerance, Expectation::may_be_constant));
    }
  }
}

// Products of the rounded operands in f64, and the largest sum of the magnitudes of their terms.
struct Products {
  std::vector<double> sums;
  double magnitude = 0;
};

Products products(const Operands& operands) {
  std::vector<float> weights(operands.plain.size()), rows(operands.wide.size());
  std::transform(operands.plain.begin(), operands.plain.end(), weights.begin(),
                 [](float value) { return wide(bf16_from_f32(value)); });
  std::transform(operands.wide.begin(), operands.wide.end(), rows.begin(),
                 [](std::uint16_t value) { return wide(value); });
  Products made;
  for (std::size_t row = 0; row < operands.rows; ++row) {
    for (std::size_t o = 0; o < operands.out; ++o) {
      double sum = operands.bias[o], magnitude = std::fabs(sum);
      for (std::size_t i = 0; i < operands.in; ++i) {
        const double term = static_cast<double>(rows[row * operands.in + i]) * weights[o * operands.in + i];
        sum += term;
        magnitude += std::fabs(term);
      }
      made.sums.push_back(sum);
      made.magnitude = std::max(made.magnitude, magnitude);
    }
  }
  return made;
}

std::vector<float> wanted(const Operands& operands, const Products& products, Ending ending) {
  std::vector<float> values;
  for (std::size_t i = 0; i < products.sums.size(); ++i) {
    const float before = ending.after == After::add_to_destination ? operands.before[i] : 0;
    values.push_back(apply_after(ending.after, static_cast<float>(products.sums[i])) + before);
  }
  if (ending.element != Element::u8) return values;
  std::vector<std::uint8_t> row(operands.out);
  for (std::size_t i = 0; i < values.size(); i += operands.out) {
    encode_row(values.data() + i, operands.codes, row.data());
    std::copy(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return values;
}

TEST_P(Bf16Gemm, IsTheProductOfTheRoundedOperands) {
  const auto& [kernel, shape] = GetParam();
  RngStream rng = RngStream(9, "gemm");
  const Operands operands(shape, rng);
  const Products exact = products(operands);
  for (const Ending ending : endings(shape)) {
    const std::vector<float> want = wanted(operands, exact, ending);
    // In any order a term passes at most in + 2 roundings to f32. No activation is steeper than 1.2.
    Tolerance tolerance{kActivation.absolute + 1.2 * (shape.in + 2) * 0x1p-24 * exact.magnitude, kActivation.relative};
    if (ending.element == Element::bf16) tolerance.relative += 0x1p-8;
    if (ending.element == Element::u8) tolerance = {1, 0};
    std::vector<float> first;
    for (const int threads : thread_counts(ending)) {
      SCOPED_TRACE(describe(ending, threads));
      const std::vector<float> got = run(operands, kernel, ending, threads);
      EXPECT_TRUE(expect_close(got, want, tolerance, Expectation::may_be_constant));
      if (first.empty()) first = got;
      EXPECT_EQ(got, first) << "depends on the number of threads";
    }
  }
}

// Deep products are multiplied in slabs (Note [Products on tiles]), blocks that meet strips first in another order than
// the rest: a row's sums depend on neither.
TEST(Bf16GemmSlabs, DoNotDependOnTheRowsBeside) {
  if (!gemm_runs_here(GemmKernel::amx_bf16)) GTEST_SKIP() << "no AMX here: " << effective_isa();
  constexpr int kIn = 1600, kOut = 70, kRows = 96;
  RngStream rng(10, "gemm");
  const Operands many({5 * kRows + 1, kIn, kOut}, rng);
  Operands few = many;
  few.shape.rows = kRows;
  few.rows = kRows;
  for (const Ending ending : {Ending{Element::f32, After::nothing}, Ending{Element::f32, After::add_to_destination}}) {
    const std::vector<float> want = run(few, GemmKernel::amx_bf16, ending, 2);
    std::vector<float> got = run(many, GemmKernel::amx_bf16, ending, 2);
    EXPECT_EQ(got, run(many, GemmKernel::amx_bf16, ending, 1)) << "depends on the number of threads";
    got.resize(want.size());
    EXPECT_EQ(got, want);
  }
}

// The name begins as those of the other tests that run again under caps of the instruction set.
TEST(OpsGemmChoice, FollowsTheCap) {
  const std::map<std::string_view, GemmKernel> best = {{"sse41", GemmKernel::plain_int8},
                                                       {"avx2", GemmKernel::avx2_int8},
                                                       {"avx2_vnni", GemmKernel::avx2_vnni_int8},
                                                       {"avx512_core", GemmKernel::avx2_int8},
                                                       {"avx512_core_vnni", GemmKernel::avx512_vnni_int8},
                                                       {"avx512_core_bf16", GemmKernel::avx512_vnni_int8},
                                                       {"avx512_core_amx", GemmKernel::amx_int8}};
  const auto wanted = best.find(effective_isa());
  if (wanted == best.end()) GTEST_SKIP() << "nothing is said of " << effective_isa();
  EXPECT_EQ(gemm_kernel_name(best_int8_gemm()), gemm_kernel_name(wanted->second));
  EXPECT_TRUE(gemm_runs_here(best_int8_gemm()));
}

// Cut everywhere; whole tiles; several passes over the depth; many blocks; both.
const auto kShapes =
    testing::Values(Shape{1, 1, 1}, Shape{5, 3, 7}, Shape{33, 70, 35}, Shape{64, 64, 64}, Shape{3, 129, 130},
                    Shape{39, 2100, 33}, Shape{690, 2048, 3}, Shape{330, 1600, 70});

std::string case_name(const testing::TestParamInfo<std::tuple<GemmKernel, Shape>>& info) {
  const auto& [kernel, shape] = info.param;
  return std::string(gemm_kernel_name(kernel)) + "_" + std::to_string(shape.rows) + "x" + std::to_string(shape.in) +
         "x" + std::to_string(shape.out);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Int8Gemm,
                         testing::Combine(testing::Values(GemmKernel::avx2_int8, GemmKernel::avx2_vnni_int8,
                                                          GemmKernel::avx512_vnni_int8, GemmKernel::amx_int8),
                                          kShapes),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Kernels, Bf16Gemm, testing::Combine(testing::Values(GemmKernel::amx_bf16), kShapes),
                         case_name);

}  // namespace
}  // namespace dfa
