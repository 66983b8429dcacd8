#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/layer_norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/cache_control.h>
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
  const float* next;    // the row after it, asked for while this one is written
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

// The sum of value(vector) over a row, and of value(number) over its end. An addition takes four cycles: as many sums
// at once keep the unit busy.
template <class Value>
HWY_INLINE float sum_of(const float* x, std::size_t dim, const Value& value) {
  constexpr std::size_t kSums = 4;
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> sums[kSums] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::size_t i = 0;
  for (; i + kSums * lanes <= dim; i += kSums * lanes) {
    for (std::size_t j = 0; j < kSums; ++j) sums[j] = value(hn::LoadU(d, x + i + j * lanes), sums[j]);
  }
  for (; i + lanes <= dim; i += lanes) sums[0] = value(hn::LoadU(d, x + i), sums[0]);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
  for (; i < dim; ++i) sum = value(x[i], sum);
  return sum;
}

struct Plain {
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> x, hn::Vec<D> sum) const { return hn::Add(sum, x); }
  HWY_INLINE float operator()(float x, float sum) const { return sum + x; }
};

struct SquareAround {
  float middle;
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> x, hn::Vec<D> sum) const {
    const auto off = hn::Sub(x, hn::Set(D(), middle));
    return hn::MulAdd(off, off, sum);
  }
  HWY_INLINE float operator()(float x, float sum) const { return sum + (x - middle) * (x - middle); }
};

// store = (x - mean) * scale * weight + bias
template <class Store>
HWY_INLINE void normalise_row(const NormRow& row, const Store& store, typename Store::Value* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const float mean = sum_of(row.x, row.dim, Plain()) / static_cast<float>(row.dim);
  const float variance = sum_of(row.x, row.dim, SquareAround{mean}) / static_cast<float>(row.dim);
  const float scale = 1.0F / std::sqrt(variance + row.eps);
  const auto middle = hn::Set(d, mean);
  const auto factor = hn::Set(d, scale);
  std::size_t i = 0;
  if (row.weight == nullptr) {
    for (; i + lanes <= row.dim; i += lanes) {
      hwy::Prefetch(row.next + i);
      store(hn::Mul(hn::Sub(hn::LoadU(d, row.x + i), middle), factor), i, y + i);
    }
    for (; i < row.dim; ++i) store((row.x[i] - mean) * scale, i, y + i);
    return;
  }
  for (; i + lanes <= row.dim; i += lanes) {
    hwy::Prefetch(row.next + i);
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
    const float* x = src + index * shape.src_stride;
    const float* next = row + 1 < shape.rows ? x + shape.src_stride : x;
    row_kernel(NormRow{x, next, weight, bias, static_cast<std::size_t>(shape.dim), shape.eps},
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
