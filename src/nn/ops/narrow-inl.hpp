// A vector of f32 to the formats in which activations lie, for the kernels of one instruction set: include it after
// hwy/highway.h, outside of any namespace.
#if defined(DFA_NARROW_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef DFA_NARROW_INL_HPP
#undef DFA_NARROW_INL_HPP
#else
#define DFA_NARROW_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "nn/ops/codes.hpp"
#include "tensorfile/float_bits.hpp"

HWY_BEFORE_NAMESPACE();
namespace dfa::HWY_NAMESPACE {
namespace {
namespace narrow {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using WideVector = hn::Vec<Wide>;

// A store writes the vector of a row's values from i on, or value i alone: as it is, as bf16 or as codes.
struct ToWide {
  using Value = float;
  HWY_INLINE void operator()(WideVector v, std::size_t, float* to) const { hn::StoreU(v, Wide(), to); }
  HWY_INLINE void operator()(float value, std::size_t, float* to) const { *to = value; }
};

// To nearest, ties to even, by integers: Highway's own conversion cuts off. NaN stays NaN.
struct ToBf16 {
  using Value = std::uint16_t;
  HWY_INLINE void operator()(WideVector v, std::size_t, std::uint16_t* to) const {
    const hn::RebindToSigned<Wide> whole;
    const hn::RebindToUnsigned<Wide> bits;
    const hn::Rebind<std::uint16_t, Wide> halves;
    const auto x = hn::BitCast(bits, v);
    const auto odd = hn::And(hn::ShiftRight<16>(x), hn::Set(bits, 1U));
    const auto rounded = hn::Add(hn::Add(x, hn::Set(bits, 0x7fffU)), odd);
    const auto quiet = hn::Or(x, hn::Set(bits, 0x400000U));
    const auto chosen = hn::IfThenElse(hn::RebindMask(bits, hn::IsNaN(v)), quiet, rounded);
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(whole, hn::ShiftRight<16>(chosen))), halves, to);
  }
  HWY_INLINE void operator()(float value, std::size_t, std::uint16_t* to) const { *to = bf16_from_f32(value); }
};

// Note [Codes]. Clamped before it is rounded: the bounds are whole numbers, so the order makes no difference, and what
// is rounded fits.
struct ToCodes {
  using Value = std::uint8_t;
  const float* multipliers;
  int zero_point;

  HWY_INLINE void operator()(WideVector v, std::size_t i, std::uint8_t* to) const {
    const Wide d;
    const hn::RebindToSigned<Wide> whole;
    const hn::Rebind<std::uint8_t, Wide> bytes;
    const auto lowest = hn::Set(d, static_cast<float>(-zero_point));
    const auto highest = hn::Set(d, kLargestCode - static_cast<float>(zero_point));
    const auto scaled = hn::Mul(v, hn::LoadU(d, multipliers + i));
    const auto code = hn::NearestInt(hn::Max(lowest, hn::Min(scaled, highest)));
    hn::StoreU(hn::DemoteTo(bytes, hn::Add(code, hn::Set(whole, zero_point))), bytes, to);
  }

  HWY_INLINE void operator()(float value, std::size_t i, std::uint8_t* to) const {
    *to = code_of(value, multipliers[i], zero_point);
  }
};

template <class Store>
void store_row(const float* x, std::size_t count, const Store& store, typename Store::Value* to) {
  const Wide d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) store(hn::LoadU(d, x + i), i, to + i);
  for (; i < count; ++i) store(x[i], i, to + i);
}

}  // namespace narrow
}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
