// Tile registers for attention_amx.cpp: how operands are packed, and products of 32 x 32 values.
#pragma once

// GCC 12 warns of the undefined values in its own header wherever a maximum is inlined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cstddef>
#include <cstdint>

// Instruction sets of one function at a time: nothing else of the program may contain them.
#define DFA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

namespace dfa::tiles {

constexpr std::size_t kRows = 16;              // of a tile
constexpr std::size_t kDepth = 32;             // bf16 values of a row of A
constexpr std::size_t kTile = kRows * kDepth;  // bf16 values of a B tile
constexpr long kRowBytes = 64;

// The compiler may neither move what is stored behind the tile loads that read it, nor those in front: it does not know
// that they read memory.
DFA_AMX inline void order_memory() {
  asm volatile("" ::: "memory");
}

// Tiles 0 to 3 are C, 4 and 5 A, 6 and 7 B: all of 16 rows of 64 bytes. Static: the compiler knows of 8 bytes that the
// instruction reads, and would drop the stores to the rest of a local value.
DFA_AMX inline void configure() {
  struct alignas(64) Config {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {kRowBytes, kRowBytes, kRowBytes, kRowBytes,
                                   kRowBytes, kRowBytes, kRowBytes, kRowBytes};
    std::uint8_t rows[16] = {kRows, kRows, kRows, kRows, kRows, kRows, kRows, kRows};
  };
  static constexpr Config config;
  _tile_loadconfig(&config);
}

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

// The operands of one step: a is (32, 32), left and right are B tiles of 16 columns each.
struct Factors {
  const std::uint16_t* a;
  std::size_t stride;  // of a, in values
  const std::uint16_t* left;
  const std::uint16_t* right;
};

struct Sums {
  float* c = nullptr;  // (32, 32)
  std::size_t stride = 0;
};

// Products one after the other, each a sum of steps in tiles 0 to 3. Operands are loaded one step before they are
// multiplied: what stands between two steps (hundreds of instructions, often) is as far as the processor looks ahead.
// The sums of a product are stored tile by tile while the next begins: four stores in a row would leave the multipliers
// idle for as long as six products take.
class Chain {
 public:
  enum class From { zero, what_is_there };

  // The first step of a product.
  DFA_AMX void begin(const Factors& factors, const Sums& sums, From from) {
    multiply();
    load(factors);
    loaded_ = from == From::zero ? Loaded::first_from_zero : Loaded::first;
    next_ = sums;
  }

  DFA_AMX void add(const Factors& factors) {
    multiply();
    load(factors);
    loaded_ = Loaded::more;
  }

  // Everything up to here is stored.
  DFA_AMX void finish() {
    multiply();
    loaded_ = Loaded::nothing;
    if (sums_.c == nullptr) return;
    const long bytes = row_bytes(sums_);
    _tile_stored(0, sums_.c, bytes);
    _tile_stored(1, right(sums_), bytes);
    _tile_stored(2, lower(sums_), bytes);
    _tile_stored(3, lower(sums_) + kRows, bytes);
    sums_ = {};
  }

 private:
  enum class Loaded { nothing, first_from_zero, first, more };

  static long row_bytes(const Sums& sums) { return static_cast<long>(sums.stride * sizeof(float)); }
  static float* right(const Sums& sums) { return sums.c + kRows; }
  static float* lower(const Sums& sums) { return sums.c + kRows * sums.stride; }

  // B comes from the second cache level and is wanted once a block of queries: as a stream it does not drive A and C
  // out of the first.
  DFA_AMX void load(const Factors& factors) {
    const long bytes = static_cast<long>(factors.stride * sizeof(std::uint16_t));
    _tile_loadd(4, factors.a, bytes);
    _tile_stream_loadd(6, factors.left, kRowBytes);
    _tile_loadd(5, factors.a + kRows * factors.stride, bytes);
    _tile_stream_loadd(7, factors.right, kRowBytes);
  }

  DFA_AMX void multiply() {
    switch (loaded_) {
      case Loaded::nothing:
        return;
      case Loaded::first_from_zero:
        return sums_.c == nullptr ? start<From::zero, false>() : start<From::zero, true>();
      case Loaded::first:
        return sums_.c == nullptr ? start<From::what_is_there, false>() : start<From::what_is_there, true>();
      case Loaded::more:
        break;
    }
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }

// Numbers of tiles are part of the instructions, so the four turns cannot be a loop.
#define DFA_TURN(tile, a, b, before, now)                  \
  if constexpr (kStore) _tile_stored(tile, before, bytes); \
  if constexpr (kFrom == From::zero)                       \
    _tile_zero(tile);                                      \
  else                                                     \
    _tile_loadd(tile, now, now_bytes);                     \
  _tile_dpbf16ps(tile, a, b)

  template <From kFrom, bool kStore>
  DFA_AMX void start() {
    [[maybe_unused]] const long bytes = row_bytes(sums_);
    [[maybe_unused]] const long now_bytes = row_bytes(next_);
    DFA_TURN(0, 4, 6, sums_.c, next_.c);
    DFA_TURN(1, 4, 7, right(sums_), right(next_));
    DFA_TURN(2, 5, 6, lower(sums_), lower(next_));
    DFA_TURN(3, 5, 7, lower(sums_) + kRows, lower(next_) + kRows);
    sums_ = next_;
  }
#undef DFA_TURN

  Loaded loaded_ = Loaded::nothing;  // what the operands in tiles 4 to 7 are for
  Sums next_;                        // of the product whose first step they are
  Sums sums_;                        // where the sums in tiles 0 to 3 will be stored; null: there are none
};

}  // namespace dfa::tiles
