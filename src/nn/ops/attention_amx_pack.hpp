// How attention_amx.cpp packs keys and values: as B tiles.
#pragma once

#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

// rows[i] lane j -> rows[j] lane i
DFA_AMX inline void transpose_16x16(__m512i (&r)[kRows]) {
  __m512i t[kRows];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

// Rows of a matrix of bf16, `stride` values apart.
struct Rows {
  const std::uint16_t* first;
  std::size_t stride;
  std::size_t count;
};

// B tiles of k^T for `padded` keys (a multiple of 16), tile (key / 16, depth / 32): row r holds the pair 2r, 2r + 1 of
// each of 16 keys. Keys that are not there are zeros.
DFA_AMX inline void pack_transposed(const Rows& k, std::size_t padded, std::size_t width, std::uint16_t* packed) {
  for (std::size_t key = 0; key < padded; key += kRows) {
    for (std::size_t depth = 0; depth < width; depth += kDepth) {
      __m512i rows[kRows];
      if (key + kRows <= k.count) {
        for (std::size_t i = 0; i < kRows; ++i) rows[i] = _mm512_loadu_si512(k.first + (key + i) * k.stride + depth);
      } else {
        for (std::size_t i = 0; i < kRows; ++i)
          rows[i] =
              key + i < k.count ? _mm512_loadu_si512(k.first + (key + i) * k.stride + depth) : _mm512_setzero_si512();
      }
      transpose_16x16(rows);
      for (std::size_t i = 0; i < kRows; ++i) _mm512_store_si512(packed + i * kDepth, rows[i]);
      packed += kTile;
    }
  }
}

// B tiles of v for `padded` keys (a multiple of 32), tile (column / 16, key / 32): row r holds keys 2r and 2r + 1 of
// each of 16 columns. Keys that are not there are zeros.
DFA_AMX inline void pack_pairs(const Rows& v, std::size_t padded, std::size_t width, std::uint16_t* packed) {
  alignas(64) static constexpr std::uint16_t kLow[kDepth] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                             37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                             11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(kRows));
  const std::size_t column = padded / kDepth * kTile;  // of tiles
  for (std::size_t key = 0; key < padded; key += 2) {
    std::uint16_t* row = packed + key / 2 * kDepth;
    for (std::size_t i = 0; i < width; i += kDepth) {
      const __m512i zero = _mm512_setzero_si512();
      const __m512i even = key < v.count ? _mm512_loadu_si512(v.first + key * v.stride + i) : zero;
      const __m512i odd = key + 1 < v.count ? _mm512_loadu_si512(v.first + (key + 1) * v.stride + i) : zero;
      _mm512_store_si512(row + i / kRows * column, _mm512_permutex2var_epi16(even, low, odd));
      _mm512_store_si512(row + (i / kRows + 1) * column, _mm512_permutex2var_epi16(even, high, odd));
    }
  }
}

}  // namespace dfa::tiles
