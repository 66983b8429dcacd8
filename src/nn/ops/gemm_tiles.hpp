// One piece of a product on AMX tiles: 32 rows of the input with a strip of the weights, while the piece before is
// ended and what is needed later is requested. Included by gemm_amx.cpp alone.
#pragma once

#include "nn/ops/gemm_pack.hpp"
#include "nn/ops/gemm_tail_avx512.hpp"

#define DFA_AMX __attribute__((target("amx-tile,amx-int8,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define DFA_AMX_INLINE DFA_AMX __attribute__((always_inline)) inline

namespace dfa::amx {

inline constexpr long kSumsRow = kStripColumns * sizeof(float);
inline constexpr std::size_t kSumsBytes = kPieceRows * kStripColumns * sizeof(float);

enum class Cells { int8, bf16 };

// Constant and static: the compiler may drop stores to a local one, as gcc 12 tells it that 8 bytes are read.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
inline constexpr TileConfig kTiles;

template <Cells cells, Element element>
DFA_AMX_INLINE void end_rows(const avx512::Columns& columns, const GemmTail& tail, int first) {
  avx512::Rows x;
  if constexpr (cells == Cells::int8)
    avx512::scaled_sums(columns, tail, first, x);
  else
    avx512::biased_sums(columns, tail, first, x);
  avx512::activate<element>(tail.after, x);
  if constexpr (element == Element::f32) {
    avx512::store_f32(tail, first, x);
  } else if constexpr (element == Element::u8) {
    avx512::store_u8(columns, tail, first, x);
  } else {
    const bool unmasked = avx512::whole(tail, first);
#pragma GCC unroll 2
    for (int row = 0; row < kTailRows; ++row) {
      const __m512bh narrow = _mm512_cvtne2ps_pbh(x[2 * row + 1], x[2 * row]);
      __m512i bits;
      std::memcpy(&bits, &narrow, sizeof bits);
      std::byte* to = tail.to + static_cast<std::size_t>(first + row) * tail.row_bytes;
      if (unmasked)
        _mm512_storeu_si512(to, bits);
      else
        _mm512_mask_storeu_epi16(to, avx512::present(tail, first + row), bits);
    }
  }
}

// Which operand is needed again at once and stays in the first cache level; the other is loaded with the hint that it
// is not, without which it would push the first one out.
enum class Stays { input, weights };

// A block of the input: as it lies in memory, or packed.
struct InputBlock {
  const std::byte* at = nullptr;
  std::size_t row_bytes = 0, step_bytes = 0, lower = 0;  // lower: to the tile of the lower 16 rows
};

// Memory to be asked for, evenly over the steps of what is multiplied meanwhile: `runs` of `bytes` bytes each, `stride`
// apart.
class Requests {
 public:
  Requests() = default;
  Requests(const std::byte* first, std::size_t bytes, std::size_t stride, std::size_t runs, std::size_t steps)
      : run_(first), bytes_(bytes), stride_(stride), steps_(steps), lines_(divide_up(bytes, kLineBytes) * runs) {}
  Requests(const std::byte* first, std::size_t bytes, std::size_t steps) : Requests(first, bytes, 0, 1, steps) {}

  // To be called `steps` times.
  void step() {
    for (due_ += lines_; due_ >= steps_; due_ -= steps_) {
      __builtin_prefetch(run_ + at_, 0, 2);
      at_ += kLineBytes;
      if (at_ < bytes_) continue;
      at_ = 0;
      run_ += stride_;
    }
  }

 private:
  const std::byte* run_ = nullptr;
  std::size_t bytes_ = 0, stride_ = 0, steps_ = 1, lines_ = 0, at_ = 0, due_ = 0;
};

template <Cells cells>
DFA_AMX_INLINE void multiply_tiles() {
  if constexpr (cells == Cells::int8) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  } else {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

// to (32, 32) = from + input b: `steps` pieces of each, of the input from piece `first` on. No `from`: zeros. Ends
// `tail` meanwhile, its rows evenly spread over the steps.
template <Cells cells, Element element, Stays stays>
DFA_AMX_INLINE void multiply(const InputBlock& input, std::size_t first, const std::byte* b, std::size_t steps,
                             const std::byte* from, std::byte* to, const GemmTail& tail, Requests& requests) {
  if (from == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, from, kSumsRow);
    _tile_loadd(1, from + kLineBytes, kSumsRow);
    _tile_loadd(2, from + kTileRows * kSumsRow, kSumsRow);
    _tile_loadd(3, from + kTileRows * kSumsRow + kLineBytes, kSumsRow);
  }
  const long a_row = static_cast<long>(input.row_bytes);
  const std::size_t a_step = input.step_bytes, lower = input.lower;
  const std::byte* a = input.at + first * a_step;
  std::size_t due = 0;
  int row = 0;
  const int rows = tail.rows;
  avx512::Columns columns{};
  if (rows > 0) columns = avx512::load_columns<cells == Cells::int8, element>(tail.columns);
  for (std::size_t step = 0; step < steps; ++step, a += a_step, b += kPieceBytes) {
    if constexpr (stays == Stays::input) {
      _tile_stream_loadd(6, b, kLineBytes);
      _tile_stream_loadd(7, b + kTileBytes, kLineBytes);
      _tile_loadd(4, a, a_row);
      _tile_loadd(5, a + lower, a_row);
    } else {
      _tile_loadd(6, b, kLineBytes);
      _tile_loadd(7, b + kTileBytes, kLineBytes);
      _tile_stream_loadd(4, a, a_row);
      _tile_stream_loadd(5, a + lower, a_row);
    }
    multiply_tiles<cells>();
    requests.step();
    for (due += kPieceRows / kTailRows; due >= steps; due -= steps, row += kTailRows) {
      if (row < rows) end_rows<cells, element>(columns, tail, row);
    }
  }
  _tile_stored(0, to, kSumsRow);
  _tile_stored(1, to + kLineBytes, kSumsRow);
  _tile_stored(2, to + kTileRows * kSumsRow, kSumsRow);
  _tile_stored(3, to + kTileRows * kSumsRow + kLineBytes, kSumsRow);
}

}  // namespace dfa::amx
