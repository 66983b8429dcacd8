// The end of a product on AVX-512: offsets, scales, bias, activation, rounding, store. Everything is inlined into a
// function of the kernel that includes this, which may have more instruction sets than these.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "nn/ops/gelu_polynomial.hpp"
#include "nn/ops/gemm_tail.hpp"

#define DFA_AVX512_INLINE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"), always_inline)) inline

namespace dfa::avx512 {

inline constexpr int kHalves = 2;                         // vectors of a strip's row
inline constexpr int kTailVectors = kTailRows * kHalves;  // vector 2i: columns 0..15 of row i; 2i + 1: 16..31
using Rows = __m512[kTailVectors];

// What the columns of a strip need, in registers: the left half, the right half.
struct Columns {
  __m512 scales[kHalves], bias[kHalves], multipliers[kHalves];
};

// For tails of products of `int8` codes or not, stored as `element`.
template <bool int8, Element element>
DFA_AVX512_INLINE Columns load_columns(const TailColumns& from) {
  Columns columns{};
#pragma GCC unroll 2
  for (int half = 0; half < kHalves; ++half) {
    columns.bias[half] = _mm512_loadu_ps(from.bias + 16 * half);
    if constexpr (int8) columns.scales[half] = _mm512_loadu_ps(from.scales + 16 * half);
    if constexpr (element == Element::u8) columns.multipliers[half] = _mm512_loadu_ps(from.multipliers + 16 * half);
  }
  return columns;
}

// Of kTailRows rows from `first`, as f32 before the activation.
DFA_AVX512_INLINE void scaled_sums(const Columns& columns, const GemmTail& tail, int first, Rows& x) {
  const std::int32_t* sums = static_cast<const std::int32_t*>(tail.sums) + first * static_cast<int>(kStripColumns);
#pragma GCC unroll 8
  for (int i = 0; i < kTailVectors; ++i) {
    const int half = i % kHalves;
    x[i] =
        _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums + 16 * i)), columns.scales[half], columns.bias[half]);
  }
}

DFA_AVX512_INLINE void biased_sums(const Columns& columns, const GemmTail& tail, int first, Rows& x) {
  const float* sums = static_cast<const float*>(tail.sums) + first * static_cast<int>(kStripColumns);
#pragma GCC unroll 8
  for (int i = 0; i < kTailVectors; ++i) x[i] = _mm512_add_ps(_mm512_load_ps(sums + 16 * i), columns.bias[i % kHalves]);
}

// See Note [GELU as a polynomial].
template <Element element>
DFA_AVX512_INLINE void gelu(Rows& x) {
  constexpr const GeluPolynomial& kPolynomial = element == Element::u8 ? kGeluOfCodes : kGelu;
  constexpr int kLesserMagnitude = 0b1010;  // min(|a|, |b|)
  Rows a, sum;
#pragma GCC unroll 8
  for (int i = 0; i < kTailVectors; ++i) {
    a[i] = _mm512_range_ps(x[i], _mm512_set1_ps(kPolynomial.limit), kLesserMagnitude);
    sum[i] = _mm512_set1_ps(kPolynomial.powers[kPolynomial.degree - 1]);
    x[i] = _mm512_max_ps(x[i], _mm512_setzero_ps());
  }
#pragma GCC unroll 16
  for (int power = kPolynomial.degree - 2; power >= 0; --power) {
#pragma GCC unroll 8
    for (int i = 0; i < kTailVectors; ++i)
      sum[i] = _mm512_fmadd_ps(sum[i], a[i], _mm512_set1_ps(kPolynomial.powers[power]));
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTailVectors; ++i) x[i] = _mm512_fmadd_ps(sum[i], a[i], x[i]);
}

// x / (1 + exp(-slope x)); 2^n times the Taylor series of the rest to r^5: 2.5e-6 of the exponential.
DFA_AVX512_INLINE __m512 times_sigmoid(__m512 x, float slope) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLargest = 126.0F;  // 2^126: its reciprocal is still a normal number
  const __m512 power = _mm512_mul_ps(x, _mm512_set1_ps(-slope * kLog2E));
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(power, _mm512_set1_ps(-kLargest)), _mm512_set1_ps(kLargest));
  const __m512 whole = _mm512_roundscale_ps(clamped, _MM_FROUND_TO_NEAREST_INT);
  const __m512 r = _mm512_mul_ps(_mm512_sub_ps(clamped, whole), _mm512_set1_ps(0.693147181F));
  __m512 series = _mm512_fmadd_ps(r, _mm512_set1_ps(1.0F / 120.0F), _mm512_set1_ps(1.0F / 24.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 6.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(0.5F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  const __m512 exponential = _mm512_scalef_ps(series, whole);
  return _mm512_div_ps(x, _mm512_add_ps(exponential, _mm512_set1_ps(1.0F)));
}

template <Element element>
DFA_AVX512_INLINE void activate(After after, Rows& x) {
  constexpr float kQuickGeluSlope = 1.702F;
  switch (after) {
    case After::gelu:
      gelu<element>(x);
      return;
    case After::relu:
#pragma GCC unroll 8
      for (__m512& vector : x) vector = _mm512_max_ps(vector, _mm512_setzero_ps());
      return;
    case After::quick_gelu:
      for (__m512& vector : x) vector = times_sigmoid(vector, kQuickGeluSlope);
      return;
    case After::silu:
      for (__m512& vector : x) vector = times_sigmoid(vector, 1.0F);
      return;
    case After::nothing:
    case After::add_to_destination:
      return;
  }
}

// Whether all of kTailRows rows from `first` and all columns exist. Storing under a mask takes longer.
inline bool whole(const GemmTail& tail, int first) {
  return first + kTailRows <= tail.rows && tail.columns.present == ~0U;
}

// Columns of row `row` that exist: none where the row does not.
DFA_AVX512_INLINE std::uint32_t present(const GemmTail& tail, int row) {
  return row < tail.rows ? tail.columns.present : 0;
}

DFA_AVX512_INLINE void store_f32(const GemmTail& tail, int first, const Rows& x) {
  const bool adds = tail.after == After::add_to_destination, unmasked = whole(tail, first);
#pragma GCC unroll 8
  for (int i = 0; i < kTailVectors; ++i) {
    const int row = first + i / kHalves, half = i % kHalves * 16;
    float* to = reinterpret_cast<float*>(tail.to + static_cast<std::size_t>(row) * tail.row_bytes) + half;
    if (unmasked) {
      _mm512_storeu_ps(to, adds ? _mm512_add_ps(x[i], _mm512_loadu_ps(to)) : x[i]);
    } else {
      const __mmask16 mask = static_cast<__mmask16>(present(tail, row) >> half);
      _mm512_mask_storeu_ps(to, mask, adds ? _mm512_add_ps(x[i], _mm512_maskz_loadu_ps(mask, to)) : x[i]);
    }
  }
}

// Two rows of codes at a time. |x * multiplier| < 2^31.
DFA_AVX512_INLINE void store_u8(const Columns& columns, const GemmTail& tail, int first, const Rows& x) {
  // Packing goes by lanes of 16 bytes: lane i holds columns 4i.. of both halves of both rows.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i zero_point = _mm512_set1_epi16(tail.zero_point);
  const bool unmasked = whole(tail, first);
#pragma GCC unroll 2
  for (int pair = 0; pair < kTailRows; pair += 2) {
    __m512i words[2];
#pragma GCC unroll 2
    for (int row = 0; row < 2; ++row) {
      const __m512i left = _mm512_cvtps_epi32(_mm512_mul_ps(x[kHalves * (pair + row)], columns.multipliers[0]));
      const __m512i right = _mm512_cvtps_epi32(_mm512_mul_ps(x[kHalves * (pair + row) + 1], columns.multipliers[1]));
      words[row] = _mm512_adds_epi16(_mm512_packs_epi32(left, right), zero_point);
    }
    const __m512i codes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words[0], words[1]));
    const __m256i upper = _mm512_castsi512_si256(codes), lower = _mm512_extracti64x4_epi64(codes, 1);
    std::byte* to = tail.to + static_cast<std::size_t>(first + pair) * tail.row_bytes;
    if (unmasked) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), upper);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + tail.row_bytes), lower);
    } else {
      _mm256_mask_storeu_epi8(to, present(tail, first + pair), upper);
      _mm256_mask_storeu_epi8(to + tail.row_bytes, present(tail, first + pair + 1), lower);
    }
  }
}

}  // namespace dfa::avx512
