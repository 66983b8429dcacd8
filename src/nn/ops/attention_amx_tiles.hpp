// Tile registers for attention_amx.cpp: products of 32 rows with B tiles.
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

// c (32, 32 * pairs) = or += a (32, 32 * steps) times B tiles. Two columns of tiles at a time: four tiles of sums.
struct Product {
  const std::uint16_t* a = nullptr;
  long a_bytes = 0;  // from a row to the next
  const std::uint16_t* b = nullptr;
  std::size_t column = 0;  // tiles from a column to the next
  std::size_t steps = 0;   // tiles of a column that are multiplied
  std::size_t pairs = 0;   // of columns
  float* c = nullptr;
  long c_bytes = 0;
};

enum class From { zero, what_is_there };

// What goes on beside a product, a piece behind every step.
struct Nothing {
  template <int kTurn>
  void step() {}
};

DFA_AMX inline const std::byte* lower(const void* rows, long bytes) {
  return static_cast<const std::byte*>(rows) + static_cast<long>(kRows) * bytes;
}

// B comes from the second cache level and is wanted once a block of queries: as a stream it does not drive A and C out
// of the first.
DFA_AMX inline void load_operands(const std::uint16_t* a, long a_bytes, const std::uint16_t* left,
                                  const std::uint16_t* right) {
  _tile_loadd(4, a, a_bytes);
  _tile_stream_loadd(6, left, kRowBytes);
  _tile_loadd(5, lower(a, a_bytes), a_bytes);
  _tile_stream_loadd(7, right, kRowBytes);
}

// Numbers of tiles are part of the instructions, so the four turns cannot be a loop.
#define DFA_TURN(tile, a, b, before, now)                  \
  if constexpr (kStore) _tile_stored(tile, before, bytes); \
  if constexpr (kFrom == From::zero)                       \
    _tile_zero(tile);                                      \
  else                                                     \
    _tile_loadd(tile, now, bytes);                         \
  _tile_dpbf16ps(tile, a, b);                              \
  beside.template step<tile>()

// The first step of a pair of columns. The sums of the pair before are stored tile by tile meanwhile: four stores in a
// row would leave the multipliers idle for as long as six products take.
template <From kFrom, bool kStore, class Beside>
DFA_AMX inline void begin_pair(float* c, long bytes, Beside& beside) {
  [[maybe_unused]] float* below = c + static_cast<std::size_t>(bytes) / sizeof(float) * kRows;
  DFA_TURN(0, 4, 6, c - 2 * kRows, c);
  DFA_TURN(1, 4, 7, c - kRows, c + kRows);
  DFA_TURN(2, 5, 6, below - 2 * kRows, below);
  DFA_TURN(3, 5, 7, below - kRows, below + kRows);
}
#undef DFA_TURN

// Operands are loaded one step before they are multiplied: what stands between two steps (hundreds of instructions,
// often) is as far as the processor looks ahead.
template <From kFrom, class Beside>
DFA_AMX inline void multiply(const Product& product, Beside& beside) {
  const std::size_t column = product.column * kTile;
  const std::uint16_t* b = product.b;
  float* c = product.c;
  load_operands(product.a, product.a_bytes, b, b + column);
  for (std::size_t pair = 0; pair < product.pairs; ++pair) {
    for (std::size_t step = 1; step <= product.steps; ++step) {
      if (step > 1) {
        _tile_dpbf16ps(0, 4, 6);
        beside.template step<0>();
        _tile_dpbf16ps(1, 4, 7);
        beside.template step<1>();
        _tile_dpbf16ps(2, 5, 6);
        beside.template step<2>();
        _tile_dpbf16ps(3, 5, 7);
        beside.template step<3>();
      } else if (pair > 0) {
        begin_pair<kFrom, true>(c, product.c_bytes, beside);
      } else {
        begin_pair<kFrom, false>(c, product.c_bytes, beside);
      }
      if (step < product.steps)
        load_operands(product.a + step * kDepth, product.a_bytes, b + step * kTile, b + column + step * kTile);
      else if (pair + 1 < product.pairs)
        load_operands(product.a, product.a_bytes, b + 2 * column, b + 3 * column);
    }
    b += 2 * column;
    c += 2 * kRows;
  }
  float* below = c + static_cast<std::size_t>(product.c_bytes) / sizeof(float) * kRows;
  _tile_stored(0, c - 2 * kRows, product.c_bytes);
  _tile_stored(1, c - kRows, product.c_bytes);
  _tile_stored(2, below - 2 * kRows, product.c_bytes);
  _tile_stored(3, below - kRows, product.c_bytes);
}

}  // namespace dfa::tiles
