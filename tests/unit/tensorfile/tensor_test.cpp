#include "tensorfile/tensor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

// A tensor whose bytes begin at an odd address, as in a file.
Tensor unaligned(Dtype dtype, std::vector<std::int64_t> shape, std::span<const std::byte> bytes) {
  auto storage = std::make_shared<std::vector<std::byte>>(bytes.size() + 1);
  std::memcpy(storage->data() + 1, bytes.data(), bytes.size());
  Tensor tensor{.dtype = dtype, .shape = std::move(shape), .bytes = std::span(*storage).subspan(1), .owner = nullptr};
  tensor.owner = storage;
  return tensor;
}

// Whether `bits` is `value` rounded to nearest, ties to even, by looking at its two neighbours: knows nothing of how it
// was computed. Both formats are sign and magnitude, so neighbours differ by one.
template <class Widen>
bool is_nearest_even(double value, std::uint16_t bits, std::uint16_t infinity, Widen widen) {
  const std::uint16_t magnitude = bits & 0x7fffu;
  if ((bits >> 15) != (std::signbit(value) ? 1 : 0) || magnitude > infinity) return false;
  const double wanted = std::abs(value);
  // Beyond the largest finite value lies what would be the next one: infinity counts as that value here.
  const auto as_number = [&](int m) {
    return m < infinity ? static_cast<double>(widen(static_cast<std::uint16_t>(m)))
                        : 2 * static_cast<double>(widen(static_cast<std::uint16_t>(infinity - 1))) -
                              static_cast<double>(widen(static_cast<std::uint16_t>(infinity - 2)));
  };
  if (magnitude == infinity && wanted >= as_number(infinity)) return true;
  const double error = std::abs(wanted - as_number(magnitude));
  for (const int neighbour : {magnitude - 1, magnitude + 1}) {
    if (neighbour < 0 || neighbour > infinity) continue;
    const double other = std::abs(wanted - as_number(neighbour));
    if (other < error || (other == error && (magnitude & 1) != 0)) return false;
  }
  return true;
}

constexpr std::uint16_t kInfinityF16 = 0x7c00;
constexpr std::uint16_t kInfinityBf16 = 0x7f80;

TEST(FloatBits, EveryHalfAndBfloatSurvivesTheWayToFloatAndBack) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float from_half = f32_from_f16(bits);
    if (std::isnan(from_half))
      EXPECT_TRUE(std::isnan(f32_from_f16(f16_from_f32(from_half)))) << i;
    else
      EXPECT_EQ(f16_from_f32(from_half), bits);
    const float from_bfloat = f32_from_bf16(bits);
    if (std::isnan(from_bfloat))
      EXPECT_TRUE(std::isnan(f32_from_bf16(bf16_from_f32(from_bfloat)))) << i;
    else
      EXPECT_EQ(bf16_from_f32(from_bfloat), bits);
  }
}

TEST(FloatBits, HalfHasItsKnownValues) {
  EXPECT_EQ(f32_from_f16(0x3c00), 1.0f);
  EXPECT_EQ(f32_from_f16(0xc000), -2.0f);
  EXPECT_EQ(f32_from_f16(0x7bff), 65504.0f);
  EXPECT_EQ(f32_from_f16(0x0001), 0x1p-24f);
  EXPECT_EQ(f32_from_f16(0x03ff), 1023 * 0x1p-24f);
  EXPECT_EQ(f32_from_f16(0xfc00), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(f32_from_bf16(0x4049), 3.140625f);
}

TEST(FloatBits, FloatsRoundToTheNearestHalfAndBfloat) {
  // A prime stride over all bit patterns meets every exponent about 250 times, ties included.
  for (std::uint64_t i = 0; i <= 0xffffffffu; i += 65'521) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(i));
    if (std::isnan(value)) continue;
    EXPECT_TRUE(is_nearest_even(value, f16_from_f32(value), kInfinityF16, f32_from_f16)) << value;
    EXPECT_TRUE(is_nearest_even(value, bf16_from_f32(value), kInfinityBf16, f32_from_bf16)) << value;
  }
}

TEST(FloatBits, TiesGoToEven) {
  for (std::uint16_t bits = 0; bits < kInfinityF16; ++bits) {
    const double tie =
        (static_cast<double>(f32_from_f16(bits)) + (bits + 1 == kInfinityF16 ? 65536.0 : f32_from_f16(bits + 1))) / 2;
    EXPECT_EQ(f16_from_f32(static_cast<float>(tie)), bits + (bits & 1)) << tie;
  }
}

TEST(ConvertFloats, DoublesAreRoundedOnce) {
  // Just above a tie of f16, nearer to it than an f32 can tell: rounding to f32 first would make it the tie and then go
  // down to 1.
  const std::vector<double> values = {1 + 0x1p-11 + 0x1p-40,
                                      -(1 + 0x1p-11 + 0x1p-40),
                                      1 + 0x1p-11 - 0x1p-40,
                                      65519.999999,
                                      1e300,
                                      0x1p-25 + 0x1p-70,
                                      0.0,
                                      1 + 0x1p-8 + 0x1p-45};
  const Tensor tensor = unaligned(Dtype::f64, {8}, std::as_bytes(std::span(values)));
  const Tensor half = convert_floats(tensor, Dtype::f16);
  const Tensor bfloat = convert_floats(tensor, Dtype::bf16);
  ASSERT_EQ(half.bytes.size(), 16u);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, half.bytes.data() + 2 * i, 2);
    EXPECT_TRUE(is_nearest_even(values[i], bits, kInfinityF16, f32_from_f16)) << values[i];
    std::memcpy(&bits, bfloat.bytes.data() + 2 * i, 2);
    EXPECT_TRUE(is_nearest_even(values[i], bits, kInfinityBf16, f32_from_bf16)) << values[i];
  }
}

TEST(ConvertFloats, WidensExactlyAndLeavesIntegersAlone) {
  const std::vector<float> values = {1.5f, -0.1f, 3e-41f, 1e38f};
  const Tensor tensor = Tensor::from_f32({2, 2}, values);
  const Tensor wide = convert_floats(tensor, Dtype::f64);
  EXPECT_EQ(wide.dtype, Dtype::f64);
  EXPECT_EQ(wide.shape, tensor.shape);
  EXPECT_EQ(wide.to_f32().value(), values);
  const std::vector<std::int64_t> counts = {1, 2};
  EXPECT_EQ(convert_floats(Tensor::from_i64({2}, counts), Dtype::f16).dtype, Dtype::i64);
}

TEST(Tensor, ReadsEveryFloatDtypeAtAnyAddress) {
  const std::vector<float> values = {0.25f, -3.0f, 100.0f};
  for (const Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
    const Tensor stored = convert_floats(Tensor::from_f32({3}, values), dtype);
    EXPECT_EQ(unaligned(dtype, {3}, stored.bytes).to_f32().value(), values) << dtype_name(dtype);
  }
}

TEST(Tensor, IntegersAreNoFloats) {
  const std::vector<std::uint8_t> values = {1, 2, 3};
  const auto result = Tensor::from_u8({3}, values).to_f32();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::model_format);
  EXPECT_EQ(result.error().message, "got a U8 tensor (3), expected floating-point values");
}

TEST(Tensor, EmptyAndScalar) {
  EXPECT_EQ(Tensor::from_f32({0, 3}, {}).to_f32().value(), std::vector<float>{});
  const std::vector<float> one = {7};
  EXPECT_EQ(Tensor::from_f32({}, one).element_count(), 1);
  EXPECT_EQ(shape_text({}), "scalar");
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{2, 768}), "2x768");
}

TEST(Tensor, ElementCountsAreChecked) {
  const auto count = [](std::vector<std::int64_t> shape) { return checked_element_count(shape); };
  EXPECT_EQ(count({}), 1u);
  EXPECT_EQ(count({3, 0, 5}), 0u);
  EXPECT_EQ(count({1 << 30, 1 << 30}), std::uint64_t{1} << 60);
  EXPECT_EQ(count({1 << 30, 1 << 30, 2}), std::nullopt);
  EXPECT_EQ(count({std::int64_t{1} << 62, 4}), std::nullopt);  // wraps to 0 in 64 bits
  EXPECT_EQ(count({-1}), std::nullopt);
  EXPECT_EQ(count({0, std::int64_t{1} << 62, 4}), std::nullopt);
}

TEST(Dtype, NamesAndSizesBelongTogether) {
  for (const Dtype dtype :
       {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i64, Dtype::i32, Dtype::i16, Dtype::i8, Dtype::u8}) {
    EXPECT_EQ(parse_dtype(dtype_name(dtype)), dtype);
    const std::string_view name = dtype_name(dtype);
    EXPECT_EQ(std::stoul(std::string(name.substr(name.find_first_of("0123456789")))), 8 * dtype_size(dtype));
  }
  EXPECT_EQ(parse_dtype("BOOL"), Dtype::boolean);
  EXPECT_EQ(parse_dtype("f32"), std::nullopt);
}

}  // namespace
}  // namespace dfa
