// Sums and maxima of 16 rows at once, for attention_amx.cpp.
#pragma once

#include <cstddef>

#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

struct Sum {
  DFA_AMX static __m512 of(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
};
struct Largest {
  DFA_AMX static __m512 of(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
};

// Lane i: all lanes of row i. Four levels of pairs; each halves what is left of a row, and the number of vectors.
template <class Of>
DFA_AMX inline __m512 across_rows(__m512 (&r)[kRows]) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i)
    r[i] = Of::of(_mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]), _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]));
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(r[2 * i]), b = _mm512_castps_pd(r[2 * i + 1]);
    r[i] = Of::of(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 2; ++i)
    r[i] =
        Of::of(_mm512_shuffle_f32x4(r[2 * i], r[2 * i + 1], 0x88), _mm512_shuffle_f32x4(r[2 * i], r[2 * i + 1], 0xdd));
  return Of::of(_mm512_shuffle_f32x4(r[0], r[1], 0x88), _mm512_shuffle_f32x4(r[0], r[1], 0xdd));
}

}  // namespace dfa::tiles
