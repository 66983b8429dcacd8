// What attention_amx.cpp writes: a query's values by its sum of weights, in any format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nn/ops/attention.hpp"
#include "nn/ops/attention_amx_rows.hpp"
#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

// Lane i: the sum of row i.
DFA_AMX inline __m512 sums_of_rows(const float (*rows)[kRows]) {
  __m512 r[kRows];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kRows; ++i) r[i] = _mm512_load_ps(rows[i]);
  return across_rows<Sum>(r);
}

DFA_AMX inline __m512i codes_of(__m512 values, const float* multipliers, __m512 highest) {
  // NaN becomes the largest code: the second operand is what a minimum with NaN gives.
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(values, _mm512_loadu_ps(multipliers)), highest));
}

// 32 values as codes.
DFA_AMX inline void store_codes(const float* mixed, __m512 scale, const float* multipliers, int zero_point,
                                std::byte* to) {
  const __m512 highest = _mm512_set1_ps(kLargestCode - static_cast<float>(zero_point));
  const __m512i low = codes_of(_mm512_mul_ps(_mm512_load_ps(mixed), scale), multipliers, highest);
  const __m512i high = codes_of(_mm512_mul_ps(_mm512_load_ps(mixed + kRows), scale), multipliers + kRows, highest);
  // Lanes of 128 bits: four of low, four of high.
  __m512i codes = _mm512_packs_epi32(low, high);
  codes = _mm512_adds_epi16(codes, _mm512_set1_epi16(static_cast<short>(zero_point)));
  codes = _mm512_packus_epi16(codes, codes);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i ordered = _mm512_castsi512_si256(_mm512_permutexvar_epi32(order, codes));
  std::memcpy(to, &ordered, sizeof ordered);
}

// One query's result, `at` values behind the beginning.
DFA_AMX inline void store_row(const float* mixed, std::size_t head_dim, float factor, const AttentionOut& out,
                              std::size_t at, std::size_t channel) {
  const __m512 scale = _mm512_set1_ps(factor);
  std::byte* to = out.values + at * element_size(out.element);
  switch (out.element) {
    case Element::f32:
      for (std::size_t i = 0; i < head_dim; i += kRows)
        _mm512_storeu_ps(to + i * sizeof(float), _mm512_mul_ps(_mm512_load_ps(mixed + i), scale));
      return;
    case Element::bf16:
      for (std::size_t i = 0; i < head_dim; i += 2 * kRows) {
        const __m512 low = _mm512_mul_ps(_mm512_load_ps(mixed + i), scale);
        const __m512 high = _mm512_mul_ps(_mm512_load_ps(mixed + i + kRows), scale);
        const __m512bh narrow = _mm512_cvtne2ps_pbh(high, low);
        std::memcpy(to + i * sizeof(std::uint16_t), &narrow, sizeof narrow);
      }
      return;
    case Element::u8:
      const float* multipliers = out.codes->multipliers.data() + channel;
      for (std::size_t i = 0; i < head_dim; i += 2 * kRows)
        store_codes(mixed + i, scale, multipliers + i, out.codes->zero_point, to + i);
  }
}

}  // namespace dfa::tiles
