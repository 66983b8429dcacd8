#include "nn/ops/gemm_pack.hpp"
#include "nn/ops/gemm_tail_avx512.hpp"
#include "nn/ops/gemm_vector.hpp"

#define DFA_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace dfa {
namespace {

// Note [Products on AVX-512]
// A line of a strip's tile is a vector: 4 codes of depth with 16 columns each. For each of them 8 rows of the input are
// multiplied at a time, every one a cell that a load spreads over the vector; the sums of 8 rows and 32 columns are 16
// registers. Two products a cycle need 10 loads in 8 cycles; block and strip come from the first cache levels.
constexpr std::size_t kRows = 8;
constexpr std::size_t kCells = kLineBytes / kCellBytes;

DFA_VNNI void multiply(const std::byte* block, const std::byte* strip, std::size_t steps, std::int32_t* sums) {
  for (std::size_t row = 0; row < kPieceRows; row += kRows, sums += kRows * kStripColumns) {
    __m512i left[kRows], right[kRows];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kRows; ++i) left[i] = right[i] = _mm512_setzero_si512();
    const std::byte* a = block + row * kLineBytes;
    const std::byte* b = strip;
    for (std::size_t step = 0; step < steps; ++step, a += kPieceBytes, b += kPieceBytes) {
#pragma GCC unroll 4
      for (std::size_t cell = 0; cell < kCells; ++cell) {
        const __m512i b0 = _mm512_loadu_si512(b + cell * kLineBytes);
        const __m512i b1 = _mm512_loadu_si512(b + kTileBytes + cell * kLineBytes);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < kRows; ++i) {
          std::int32_t codes = 0;
          std::memcpy(&codes, a + i * kLineBytes + cell * kCellBytes, sizeof codes);
          const __m512i spread = _mm512_set1_epi32(codes);
          left[i] = _mm512_dpbusd_epi32(left[i], spread, b0);
          right[i] = _mm512_dpbusd_epi32(right[i], spread, b1);
        }
      }
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kRows; ++i) {
      _mm512_store_si512(sums + i * kStripColumns, left[i]);
      _mm512_store_si512(sums + i * kStripColumns + kStripColumns / 2, right[i]);
    }
  }
}

// To nearest, ties to even; NaN stays NaN.
DFA_VNNI inline __m256i narrow(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded =
      _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd), 16);
  const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, nan, _mm512_set1_epi32(0x7fc0)));
}

template <Element element>
DFA_VNNI void end_rows(const GemmTail& tail, int first) {
  const avx512::Columns columns = avx512::load_columns<true, element>(tail.columns);
  avx512::Rows x;
  avx512::scaled_sums(columns, tail, first, x);
  avx512::activate<element>(tail.after, x);
  if constexpr (element == Element::f32) {
    avx512::store_f32(tail, first, x);
  } else if constexpr (element == Element::u8) {
    avx512::store_u8(columns, tail, first, x);
  } else {
    for (int row = 0; row < kTailRows; ++row) {
      const __m512i bits = _mm512_inserti64x4(_mm512_castsi256_si512(narrow(x[2 * row])), narrow(x[2 * row + 1]), 1);
      _mm512_mask_storeu_epi16(tail.to + static_cast<std::size_t>(first + row) * tail.row_bytes,
                               avx512::present(tail, first + row), bits);
    }
  }
}

}  // namespace

VectorKernel avx512_vnni_kernel(Element destination) {
  switch (destination) {
    case Element::f32:
      return {nullptr, multiply, end_rows<Element::f32>};
    case Element::bf16:
      return {nullptr, multiply, end_rows<Element::bf16>};
    case Element::u8:
      break;
  }
  return {nullptr, multiply, end_rows<Element::u8>};
}

}  // namespace dfa
