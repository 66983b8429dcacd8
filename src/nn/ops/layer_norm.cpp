#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/layer_norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/highway.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

#include "nn/ops/layer_norm.hpp"
#include "nn/ops/narrow-inl.hpp"

#ifndef DFA_LAYER_NORM_SHARED
#define DFA_LAYER_NORM_SHARED
namespace dfa {

struct NormRow {
  const float* x;
  const float* weight;  // null: 1, and bias 0
  const float* bias;
  std::size_t dim;
  float eps;
};

}  // namespace dfa
#endif  // DFA_LAYER_NORM_SHARED

HWY_BEFORE_NAMESPACE();
namespace dfa::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;

float sum_of(const float* x, std::size_t dim) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d);
  auto odd = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= dim; i += 2 * lanes) {
    even = hn::Add(even, hn::LoadU(d, x + i));
    odd = hn::Add(odd, hn::LoadU(d, x + i + lanes));
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; i < dim; ++i) sum += x[i];
  return sum;
}

float squares_around(const float* x, std::size_t dim, float mean) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const auto middle = hn::Set(d, mean);
  auto even = hn::Zero(d);
  auto odd = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= dim; i += 2 * lanes) {
    const auto a = hn::Sub(hn::LoadU(d, x + i), middle);
    const auto b = hn::Sub(hn::LoadU(d, x + i + lanes), middle);
    even = hn::MulAdd(a, a, even);
    odd = hn::MulAdd(b, b, odd);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; i < dim; ++i) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

// store = (x - mean) * scale * weight + bias
template <class Store>
HWY_INLINE void normalise_row(const NormRow& row, const Store& store, typename Store::Value* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const float mean = sum_of(row.x, row.dim) / static_cast<float>(row.dim);
  const float variance = squares_around(row.x, row.dim, mean) / static_cast<float>(row.dim);
  const float scale = 1.0F / std::sqrt(variance + row.eps);
  const auto middle = hn::Set(d, mean);
  const auto factor = hn::Set(d, scale);
  std::size_t i = 0;
  if (row.weight == nullptr) {
    for (; i + lanes <= row.dim; i += lanes) store(hn::Mul(hn::Sub(hn::LoadU(d, row.x + i), middle), factor), i, y + i);
    for (; i < row.dim; ++i) store((row.x[i] - mean) * scale, i, y + i);
    return;
  }
  for (; i + lanes <= row.dim; i += lanes) {
    const auto plain = hn::Mul(hn::Sub(hn::LoadU(d, row.x + i), middle), factor);
    store(hn::MulAdd(plain, hn::LoadU(d, row.weight + i), hn::LoadU(d, row.bias + i)), i, y + i);
  }
  for (; i < row.dim; ++i) store((row.x[i] - mean) * scale * row.weight[i] + row.bias[i], i, y + i);
}

void layer_norm_row(const NormRow& row, float* y) {
  normalise_row(row, narrow::ToWide(), y);
}

void layer_norm_row_bf16(const NormRow& row, std::uint16_t* y) {
  normalise_row(row, narrow::ToBf16(), y);
}

void layer_norm_row_u8(const NormRow& row, const Codes& codes, std::uint8_t* y) {
  normalise_row(row, narrow::ToCodes{codes.multipliers.data(), codes.zero_point}, y);
}

void narrow_row(const float* x, std::size_t count, std::uint16_t* y) {
  narrow::store_row(x, count, narrow::ToBf16(), y);
}

void code_row(const float* x, const Codes& codes, std::uint8_t* y) {
  narrow::store_row(x, codes.multipliers.size(), narrow::ToCodes{codes.multipliers.data(), codes.zero_point}, y);
}

}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa {

HWY_EXPORT(layer_norm_row);
HWY_EXPORT(layer_norm_row_bf16);
HWY_EXPORT(layer_norm_row_u8);
HWY_EXPORT(narrow_row);
HWY_EXPORT(code_row);

namespace {

// Each row by `row_kernel(row, where it goes)`.
template <class Value, class Kernel>
void share_rows(const LayerNormShape& shape, const float* src, const float* weight, const float* bias, Value* dst,
                int threads, const Kernel& row_kernel) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int row = 0; row < shape.rows; ++row) {
    const std::size_t index = static_cast<std::size_t>(row);
    row_kernel(NormRow{src + index * shape.src_stride, weight, bias, static_cast<std::size_t>(shape.dim), shape.eps},
               dst + index * shape.dst_stride);
  }
}

}  // namespace

void layer_norm(const LayerNormShape& shape, const float* src, const float* weight, const float* bias, float* dst,
                int threads) {
  share_rows(shape, src, weight, bias, dst, threads, HWY_DYNAMIC_DISPATCH(layer_norm_row));
}

void layer_norm_bf16(const LayerNormShape& shape, const float* src, const float* weight, const float* bias,
                     std::uint16_t* dst, int threads) {
  share_rows(shape, src, weight, bias, dst, threads, HWY_DYNAMIC_DISPATCH(layer_norm_row_bf16));
}

void layer_norm_u8(const LayerNormShape& shape, const float* src, const float* weight, const float* bias,
                   const Codes& codes, std::uint8_t* dst, int threads) {
  assert(codes.multipliers.size() == static_cast<std::size_t>(shape.dim));
  const auto kernel = HWY_DYNAMIC_DISPATCH(layer_norm_row_u8);
  share_rows(shape, src, weight, bias, dst, threads,
             [&](const NormRow& row, std::uint8_t* y) { kernel(row, codes, y); });
}

void narrow_values(const float* src, std::size_t count, std::uint16_t* dst, int threads) {
  const auto row_kernel = HWY_DYNAMIC_DISPATCH(narrow_row);
  constexpr std::size_t kPiece = 16384;
  const int pieces = static_cast<int>((count + kPiece - 1) / kPiece);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int piece = 0; piece < pieces; ++piece) {
    const std::size_t first = static_cast<std::size_t>(piece) * kPiece;
    row_kernel(src + first, std::min(kPiece, count - first), dst + first);
  }
}

void encode_values(const float* src, int rows, const Codes& codes, std::uint8_t* dst, int threads) {
  const auto row_kernel = HWY_DYNAMIC_DISPATCH(code_row);
  const std::size_t channels = codes.multipliers.size();
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int row = 0; row < rows; ++row) {
    const std::size_t first = static_cast<std::size_t>(row) * channels;
    row_kernel(src + first, codes, dst + first);
  }
}

}  // namespace dfa
#endif  // HWY_ONCE
