#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/layer_norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "nn/ops/layer_norm.hpp"
#include "tensorfile/float_bits.hpp"

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

void scale_row(const float* x, std::size_t dim, float mean, float scale, float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const auto middle = hn::Set(d, mean);
  const auto factor = hn::Set(d, scale);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), factor), d, y + i);
  for (; i < dim; ++i) y[i] = (x[i] - mean) * scale;
}

void affine_row(const float* weight, const float* bias, std::size_t dim, float* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    hn::StoreU(hn::MulAdd(hn::LoadU(d, y + i), hn::LoadU(d, weight + i), hn::LoadU(d, bias + i)), d, y + i);
  }
  for (; i < dim; ++i) y[i] = y[i] * weight[i] + bias[i];
}

void layer_norm_row(const float* x, const float* weight, const float* bias, std::size_t dim, float eps, float* y) {
  const float count = static_cast<float>(dim);
  const float mean = sum_of(x, dim) / count;
  const float variance = squares_around(x, dim, mean) / count;
  scale_row(x, dim, mean, 1.0F / std::sqrt(variance + eps), y);
  if (weight != nullptr) affine_row(weight, bias, dim, y);
}

void narrow_row(const float* x, std::size_t count, std::uint16_t* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = bf16_from_f32(x[i]);
}

// A row's values in pieces that stay in the first cache level.
void layer_norm_row_bf16(const float* x, const float* weight, const float* bias, std::size_t dim, float eps,
                         std::uint16_t* y) {
  constexpr std::size_t kPiece = 512;
  float piece[kPiece];
  const float count = static_cast<float>(dim);
  const float mean = sum_of(x, dim) / count;
  const float scale = 1.0F / std::sqrt(squares_around(x, dim, mean) / count + eps);
  for (std::size_t i = 0; i < dim; i += kPiece) {
    const std::size_t values = std::min(kPiece, dim - i);
    scale_row(x + i, values, mean, scale, piece);
    if (weight != nullptr) affine_row(weight + i, bias + i, values, piece);
    narrow_row(piece, values, y + i);
  }
}

}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa {

HWY_EXPORT(layer_norm_row);
HWY_EXPORT(layer_norm_row_bf16);
HWY_EXPORT(narrow_row);

void layer_norm(const LayerNormShape& shape, const float* src, const float* weight, const float* bias, float* dst,
                int threads) {
  const auto row_kernel = HWY_DYNAMIC_DISPATCH(layer_norm_row);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int row = 0; row < shape.rows; ++row) {
    const std::size_t index = static_cast<std::size_t>(row);
    row_kernel(src + index * shape.src_stride, weight, bias, static_cast<std::size_t>(shape.dim), shape.eps,
               dst + index * shape.dst_stride);
  }
}

void layer_norm_bf16(const LayerNormShape& shape, const float* src, const float* weight, const float* bias,
                     std::uint16_t* dst, int threads) {
  const auto row_kernel = HWY_DYNAMIC_DISPATCH(layer_norm_row_bf16);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int row = 0; row < shape.rows; ++row) {
    const std::size_t index = static_cast<std::size_t>(row);
    row_kernel(src + index * shape.src_stride, weight, bias, static_cast<std::size_t>(shape.dim), shape.eps,
               dst + index * shape.dst_stride);
  }
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

}  // namespace dfa
#endif  // HWY_ONCE
