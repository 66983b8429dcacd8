#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/layer_norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/highway.h>

#include <cmath>

#include "nn/ops/layer_norm.hpp"

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

}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa {

HWY_EXPORT(layer_norm_row);

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

}  // namespace dfa
#endif  // HWY_ONCE
