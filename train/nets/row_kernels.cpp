#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/nets/row_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "train/nets/row_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace dfa::train::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Halves = hn::Rebind<Bf16Bits, D>;
using Words = hn::RebindToUnsigned<D>;

constexpr std::uint32_t kHalf = 0x7FFF;  // just below one half of bf16's last place
constexpr std::uint32_t kQuietNan = 0x7FC00000;

V load_bf16(const Bf16Bits* from) {
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), hn::LoadU(Halves(), from))));
}

float widen(Bf16Bits bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Highway's own conversion cuts off in the version at hand.
void store_bf16(V value, Bf16Bits* to) {
  const Words words;
  const auto bits = hn::BitCast(words, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1U));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(words, kHalf)));
  const auto is_nan = hn::RebindMask(words, hn::IsNaN(value));
  const auto kept = hn::ShiftRight<16>(hn::IfThenElse(is_nan, hn::Set(words, kQuietNan), rounded));
  hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(hn::RebindToSigned<D>(), kept)), Halves(), to);
}

Bf16Bits narrow(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return kQuietNan >> 16;
  return static_cast<Bf16Bits>((bits + kHalf + ((bits >> 16) & 1U)) >> 16);
}

float total(V values) {
  return hn::GetLane(hn::SumOfLanes(D(), values));
}

RowMoments moments_kernel(const float* x, std::size_t dim, float eps) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const float count = static_cast<float>(dim);
  V sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) sums = hn::Add(sums, hn::LoadU(d, x + i));
  float sum = total(sums);
  for (; i < dim; ++i) sum += x[i];
  const float mean = sum / count;
  const V middle = hn::Set(d, mean);
  V squares = hn::Zero(d);
  for (i = 0; i + lanes <= dim; i += lanes) {
    const V away = hn::Sub(hn::LoadU(d, x + i), middle);
    squares = hn::MulAdd(away, away, squares);
  }
  float square = total(squares);
  for (; i < dim; ++i) square += (x[i] - mean) * (x[i] - mean);
  return {mean, 1.0F / std::sqrt(square / count + eps)};
}

void normalize_kernel(const float* x, const RowMoments& moments, const float* weight, const float* bias,
                      std::size_t dim, Bf16Bits* y) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V middle = hn::Set(d, moments.mean), scale = hn::Set(d, moments.scale);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V away = hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), scale);
    store_bf16(hn::MulAdd(away, hn::LoadU(d, weight + i), hn::LoadU(d, bias + i)), y + i);
  }
  for (; i < dim; ++i) y[i] = narrow((x[i] - moments.mean) * moments.scale * weight[i] + bias[i]);
}

// With g = dy * weight and n = (x - mean) * scale: dx = scale * (g - mean(g) - n * mean(g n)).
void input_gradient_kernel(const float* x, const RowMoments& moments, const float* weight, const Bf16Bits* dy,
                           std::size_t dim, float* dx) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V middle = hn::Set(d, moments.mean), scale = hn::Set(d, moments.scale);
  V gs = hn::Zero(d), products = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V g = hn::Mul(load_bf16(dy + i), hn::LoadU(d, weight + i));
    gs = hn::Add(gs, g);
    products = hn::MulAdd(g, hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), scale), products);
  }
  float g_sum = total(gs), product_sum = total(products);
  for (; i < dim; ++i) {
    const float g = widen(dy[i]) * weight[i];
    g_sum += g;
    product_sum += g * (x[i] - moments.mean) * moments.scale;
  }
  const float count = static_cast<float>(dim);
  const V g_mean = hn::Set(d, g_sum / count), product_mean = hn::Set(d, product_sum / count);
  for (i = 0; i + lanes <= dim; i += lanes) {
    const V g = hn::Mul(load_bf16(dy + i), hn::LoadU(d, weight + i));
    const V n = hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), scale);
    hn::StoreU(hn::Mul(scale, hn::Sub(hn::Sub(g, g_mean), hn::Mul(n, product_mean))), d, dx + i);
  }
  for (; i < dim; ++i) {
    const float n = (x[i] - moments.mean) * moments.scale;
    dx[i] = moments.scale * (widen(dy[i]) * weight[i] - g_sum / count - n * (product_sum / count));
  }
}

void affine_gradient_kernel(const float* x, const RowMoments& moments, const Bf16Bits* dy, std::size_t dim,
                            float* dweight, float* dbias) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V middle = hn::Set(d, moments.mean), scale = hn::Set(d, moments.scale);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V g = load_bf16(dy + i);
    const V n = hn::Mul(hn::Sub(hn::LoadU(d, x + i), middle), scale);
    hn::StoreU(hn::MulAdd(g, n, hn::LoadU(d, dweight + i)), d, dweight + i);
    hn::StoreU(hn::Add(g, hn::LoadU(d, dbias + i)), d, dbias + i);
  }
  for (; i < dim; ++i) {
    dweight[i] += widen(dy[i]) * (x[i] - moments.mean) * moments.scale;
    dbias[i] += widen(dy[i]);
  }
}

void add_row_kernel(const Bf16Bits* row, std::size_t dim, float* sums) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) hn::StoreU(hn::Add(load_bf16(row + i), hn::LoadU(d, sums + i)), d, sums + i);
  for (; i < dim; ++i) sums[i] += widen(row[i]);
}

// Highway's Exp gives 0 for what is not a number, so x - x carries that into the sum.
void softmax_kernel(Bf16Bits* row, std::size_t size) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), whole = size / lanes * lanes, padded = whole + lanes;
  thread_local std::vector<float> wide;
  if (wide.size() < padded) wide.resize(padded);
  V high = hn::Set(d, widen(row[0])), faults = hn::Zero(d);
  for (std::size_t i = 0; i < whole; i += lanes) {
    const V x = load_bf16(row + i);
    hn::StoreU(x, d, wide.data() + i);
    high = hn::Max(high, x);
    faults = hn::Add(faults, hn::Sub(x, x));
  }
  float highest = hn::GetLane(hn::MaxOfLanes(d, high)), fault = total(faults);
  for (std::size_t i = whole; i < size; ++i) {
    wide[i] = widen(row[i]);
    highest = std::max(highest, wide[i]);
    fault += wide[i] - wide[i];
  }
  const float nothing = std::numeric_limits<float>::lowest();  // its exp is 0
  std::fill(wide.begin() + static_cast<std::ptrdiff_t>(size), wide.begin() + static_cast<std::ptrdiff_t>(padded),
            nothing);
  const V top = hn::Set(d, highest);
  V sums = hn::Zero(d);
  for (std::size_t i = 0; i < padded; i += lanes) {
    const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, wide.data() + i), top));
    hn::StoreU(e, d, wide.data() + i);
    sums = hn::Add(sums, e);
  }
  const float share = 1.0F / (total(sums) + fault);
  const V shares = hn::Set(d, share);
  for (std::size_t i = 0; i < whole; i += lanes) store_bf16(hn::Mul(hn::LoadU(d, wide.data() + i), shares), row + i);
  for (std::size_t i = whole; i < size; ++i) row[i] = narrow(wide[i] * share);
}

// w (g - sum of w g)
void softmax_gradient_kernel(const Bf16Bits* weights, std::size_t size, Bf16Bits* gradient) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) sums = hn::MulAdd(load_bf16(weights + i), load_bf16(gradient + i), sums);
  float sum = total(sums);
  for (; i < size; ++i) sum += widen(weights[i]) * widen(gradient[i]);
  const V middle = hn::Set(d, sum);
  for (i = 0; i + lanes <= size; i += lanes)
    store_bf16(hn::Mul(load_bf16(weights + i), hn::Sub(load_bf16(gradient + i), middle)), gradient + i);
  for (; i < size; ++i) gradient[i] = narrow(widen(weights[i]) * (widen(gradient[i]) - sum));
}

void add_narrow_kernel(const float* x, const Bf16Bits* a, const Bf16Bits* b, std::size_t size, float* out) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (b == nullptr) {
    for (; i + lanes <= size; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, x + i), load_bf16(a + i)), d, out + i);
    for (; i < size; ++i) out[i] = x[i] + widen(a[i]);
    return;
  }
  for (; i + lanes <= size; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::Add(load_bf16(a + i), load_bf16(b + i))), d, out + i);
  for (; i < size; ++i) out[i] = x[i] + (widen(a[i]) + widen(b[i]));
}

}  // namespace
}  // namespace dfa::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa::train {

HWY_EXPORT(moments_kernel);
HWY_EXPORT(normalize_kernel);
HWY_EXPORT(input_gradient_kernel);
HWY_EXPORT(affine_gradient_kernel);
HWY_EXPORT(add_row_kernel);
HWY_EXPORT(add_narrow_kernel);
HWY_EXPORT(softmax_kernel);
HWY_EXPORT(softmax_gradient_kernel);

RowMoments row_moments(const float* x, std::size_t dim, float eps) {
  return HWY_DYNAMIC_DISPATCH(moments_kernel)(x, dim, eps);
}

void normalize_row(const float* x, const RowMoments& moments, const float* weight, const float* bias, std::size_t dim,
                   Bf16Bits* y) {
  HWY_DYNAMIC_DISPATCH(normalize_kernel)(x, moments, weight, bias, dim, y);
}

void row_input_gradient(const float* x, const RowMoments& moments, const float* weight, const Bf16Bits* dy,
                        std::size_t dim, float* dx) {
  HWY_DYNAMIC_DISPATCH(input_gradient_kernel)(x, moments, weight, dy, dim, dx);
}

void add_row_affine_gradient(const float* x, const RowMoments& moments, const Bf16Bits* dy, std::size_t dim,
                             float* dweight, float* dbias) {
  HWY_DYNAMIC_DISPATCH(affine_gradient_kernel)(x, moments, dy, dim, dweight, dbias);
}

void add_row(const Bf16Bits* row, std::size_t dim, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_row_kernel)(row, dim, sums);
}

void softmax_row(Bf16Bits* row, std::size_t size) {
  HWY_DYNAMIC_DISPATCH(softmax_kernel)(row, size);
}

void softmax_gradient_row(const Bf16Bits* weights, std::size_t size, Bf16Bits* gradient) {
  HWY_DYNAMIC_DISPATCH(softmax_gradient_kernel)(weights, size, gradient);
}

void add_narrow(const float* x, const Bf16Bits* a, const Bf16Bits* b, std::size_t size, float* out) {
  HWY_DYNAMIC_DISPATCH(add_narrow_kernel)(x, a, b, size, out);
}

}  // namespace dfa::train
#endif  // HWY_ONCE
