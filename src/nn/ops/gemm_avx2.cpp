#include <immintrin.h>

#include <cstring>

#include "nn/ops/gelu_polynomial.hpp"
#include "nn/ops/gemm_pack.hpp"
#include "nn/ops/gemm_vector.hpp"

#define DFA_AVX2 __attribute__((target("avx2,fma")))
#define DFA_AVX2_VNNI __attribute__((target("avx2,fma,avxvnni")))

namespace dfa {
namespace {

// Note [Products on AVX2]
// A line of a strip's tile is two vectors. With AVX-VNNI one instruction multiplies 4 codes with 4 weights of 8
// columns: 6 rows and 16 columns are 12 registers of sums, 32 rows are five times 6 and 2. Without it both are widened
// to 16 bits, as the product of 8-bit pairs (pmaddubsw) saturates: the codes of a block once, weights while they are
// loaded. Weights of 4 columns then fill a vector, pmaddwd adds neighbours, and every column has two sums until the
// end; 4 rows and 8 columns are 8 registers.
constexpr std::size_t kRows = 6;
constexpr std::size_t kRestRows = kPieceRows % kRows;
constexpr std::size_t kCells = kLineBytes / kCellBytes;
constexpr std::size_t kLanes = 8;  // f32 or i32 of a vector
constexpr std::size_t kWideRows = 4;
constexpr std::size_t kWider = 2;  // a widened code to a code

inline std::int32_t cell_at(const std::byte* at) {
  std::int32_t codes = 0;
  std::memcpy(&codes, at, sizeof codes);
  return codes;
}

// Rows from `a`, the 16 columns of one tile of the strip.
template <std::size_t rows>
DFA_AVX2_VNNI void multiply_vnni(const std::byte* a, const std::byte* b, std::size_t steps, std::int32_t* sums) {
  __m256i left[rows], right[rows];
#pragma GCC unroll 6
  for (std::size_t i = 0; i < rows; ++i) left[i] = right[i] = _mm256_setzero_si256();
  for (std::size_t step = 0; step < steps; ++step, a += kPieceBytes, b += kPieceBytes) {
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const __m256i b0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + cell * kLineBytes));
      const __m256i b1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + cell * kLineBytes + kLineBytes / 2));
#pragma GCC unroll 6
      for (std::size_t i = 0; i < rows; ++i) {
        const __m256i spread = _mm256_set1_epi32(cell_at(a + i * kLineBytes + cell * kCellBytes));
        left[i] = _mm256_dpbusd_avx_epi32(left[i], spread, b0);
        right[i] = _mm256_dpbusd_avx_epi32(right[i], spread, b1);
      }
    }
  }
#pragma GCC unroll 6
  for (std::size_t i = 0; i < rows; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + i * kStripColumns), left[i]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + i * kStripColumns + kLanes), right[i]);
  }
}

// The codes of a block to 16 bits where they lie, from the last to the first: twice the bytes in the same order.
DFA_AVX2 void widen(std::byte* block, std::size_t steps) {
  constexpr std::size_t kVectorBytes = 32;
  for (std::size_t at = steps * kPieceBytes; at != 0;) {
    at -= kVectorBytes / kWider;
    const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(block + kWider * at), wide);
  }
}

// kWideRows widened rows from `a`, 8 columns: half a line of each cell.
DFA_AVX2 void multiply_wide(const std::byte* a, const std::byte* b, std::size_t steps, std::int32_t* sums) {
  __m256i low[kWideRows], high[kWideRows];  // two sums each of columns 0..3, 4..7
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kWideRows; ++i) low[i] = high[i] = _mm256_setzero_si256();
  for (std::size_t step = 0; step < steps; ++step, a += kWider * kPieceBytes, b += kPieceBytes) {
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const __m128i* at = reinterpret_cast<const __m128i*>(b + cell * kLineBytes);
      const __m256i b0 = _mm256_cvtepi8_epi16(_mm_loadu_si128(at)), b1 = _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1));
#pragma GCC unroll 4
      for (std::size_t i = 0; i < kWideRows; ++i) {
        long long codes = 0;
        std::memcpy(&codes, a + kWider * (i * kLineBytes + cell * kCellBytes), sizeof codes);
        const __m256i spread = _mm256_set1_epi64x(codes);
        low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(spread, b0));
        high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(spread, b1));
      }
    }
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kWideRows; ++i) {
    // Columns 0 1 4 5 2 3 6 7, then in order.
    const __m256i both = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low[i], high[i]), 0b11011000);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + i * kStripColumns), both);
  }
}

void multiply_block_vnni(const std::byte* block, const std::byte* strip, std::size_t steps, std::int32_t* sums) {
  for (std::size_t tile = 0; tile < 2; ++tile) {
    const std::byte* b = strip + tile * kTileBytes;
    std::int32_t* to = sums + tile * kTileRows;
    std::size_t row = 0;
    for (; row + kRows <= kPieceRows; row += kRows)
      multiply_vnni<kRows>(block + row * kLineBytes, b, steps, to + row * kStripColumns);
    multiply_vnni<kRestRows>(block + row * kLineBytes, b, steps, to + row * kStripColumns);
  }
}

void multiply_block_wide(const std::byte* block, const std::byte* strip, std::size_t steps, std::int32_t* sums) {
  for (std::size_t column = 0; column < kStripColumns; column += kLanes) {
    const std::byte* b = strip + column / kTileRows * kTileBytes + column % kTileRows * kCellBytes;
    for (std::size_t row = 0; row < kPieceRows; row += kWideRows)
      multiply_wide(block + kWider * row * kLineBytes, b, steps, sums + row * kStripColumns + column);
  }
}

constexpr int kVectors = static_cast<int>(kStripColumns / kLanes);  // of a row of a strip
using Row = __m256[kVectors];

// See Note [GELU as a polynomial].
template <Element element>
DFA_AVX2 inline __m256 gelu(__m256 x) {
  constexpr const GeluPolynomial& kPolynomial = element == Element::u8 ? kGeluOfCodes : kGelu;
  const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x);
  const __m256 a = _mm256_min_ps(magnitude, _mm256_set1_ps(kPolynomial.limit));
  __m256 sum = _mm256_set1_ps(kPolynomial.powers[kPolynomial.degree - 1]);
#pragma GCC unroll 16
  for (int power = kPolynomial.degree - 2; power >= 0; --power)
    sum = _mm256_fmadd_ps(sum, a, _mm256_set1_ps(kPolynomial.powers[power]));
  return _mm256_fmadd_ps(sum, a, _mm256_max_ps(x, _mm256_setzero_ps()));
}

// As times_sigmoid() of gemm_tail_avx512.hpp.
DFA_AVX2 inline __m256 times_sigmoid(__m256 x, float slope) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLargest = 126.0F;
  constexpr int kExponentBias = 127, kFractionBits = 23;
  const __m256 power = _mm256_mul_ps(x, _mm256_set1_ps(-slope * kLog2E));
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(power, _mm256_set1_ps(-kLargest)), _mm256_set1_ps(kLargest));
  const __m256 whole = _mm256_round_ps(clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 r = _mm256_mul_ps(_mm256_sub_ps(clamped, whole), _mm256_set1_ps(0.693147181F));
  __m256 series = _mm256_fmadd_ps(r, _mm256_set1_ps(1.0F / 120.0F), _mm256_set1_ps(1.0F / 24.0F));
  series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(1.0F / 6.0F));
  series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(0.5F));
  series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(1.0F));
  series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(1.0F));
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(kExponentBias));
  const __m256 scale = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, kFractionBits));
  return _mm256_div_ps(x, _mm256_fmadd_ps(series, scale, _mm256_set1_ps(1.0F)));
}

template <Element element>
DFA_AVX2 inline void activate(After after, Row& row) {
  constexpr float kQuickGeluSlope = 1.702F;
  switch (after) {
    case After::gelu:
      for (__m256& x : row) x = gelu<element>(x);
      return;
    case After::relu:
      for (__m256& x : row) x = _mm256_max_ps(x, _mm256_setzero_ps());
      return;
    case After::quick_gelu:
      for (__m256& x : row) x = times_sigmoid(x, kQuickGeluSlope);
      return;
    case After::silu:
      for (__m256& x : row) x = times_sigmoid(x, 1.0F);
      return;
    case After::nothing:
    case After::add_to_destination:
      return;
  }
}

// A strip's row of the destination; only the columns that exist are read and written.
class Line {
 public:
  Line(const GemmTail& tail, int row, std::size_t value_bytes)
      : to_(tail.to + static_cast<std::size_t>(row) * tail.row_bytes),
        bytes_(static_cast<std::size_t>(__builtin_popcount(tail.columns.present)) * value_bytes) {}

  float* read() {
    std::memcpy(values_, to_, bytes_);
    return reinterpret_cast<float*>(values_);
  }
  std::byte* values() { return values_; }
  void write() const { std::memcpy(to_, values_, bytes_); }

 private:
  alignas(64) std::byte values_[kStripColumns * sizeof(float)] = {};
  std::byte* to_;
  std::size_t bytes_;
};

DFA_AVX2 inline void put(std::byte* to, __m256i bits) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bits);
}

DFA_AVX2 void store_f32(const GemmTail& tail, int row, const Row& x) {
  Line line(tail, row, sizeof(float));
  const bool add = tail.after == After::add_to_destination;
  const float* before = add ? line.read() : nullptr;
  for (int i = 0; i < kVectors; ++i) {
    const __m256 value = add ? _mm256_add_ps(x[i], _mm256_load_ps(before + 8 * i)) : x[i];
    put(line.values() + 32 * i, _mm256_castps_si256(value));
  }
  line.write();
}

// To nearest, ties to even; NaN stays NaN. As i32.
DFA_AVX2 inline __m256i narrow(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256 nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  return _mm256_blendv_epi8(_mm256_srli_epi32(rounded, 16), _mm256_set1_epi32(0x7fc0), _mm256_castps_si256(nan));
}

DFA_AVX2 void store_bf16(const GemmTail& tail, int row, const Row& x) {
  Line line(tail, row, sizeof(std::uint16_t));
  for (int i = 0; i < kVectors; i += 2) {
    const __m256i packed = _mm256_packus_epi32(narrow(x[i]), narrow(x[i + 1]));
    put(line.values() + 16 * i, _mm256_permute4x64_epi64(packed, 0b11011000));
  }
  line.write();
}

DFA_AVX2 void store_u8(const GemmTail& tail, int row, const Row& x) {
  Line line(tail, row, 1);
  __m256i codes[kVectors];
  for (int i = 0; i < kVectors; ++i)
    codes[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], _mm256_loadu_ps(tail.columns.multipliers + 8 * i)));
  const __m256i zero_point = _mm256_set1_epi16(tail.zero_point);
  const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(codes[0], codes[1]), zero_point);
  const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(codes[2], codes[3]), zero_point);
  // Packing goes by lanes of 16 bytes: 4 columns of each vector.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  put(line.values(), _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order));
  line.write();
}

template <Element element>
DFA_AVX2 void end_rows(const GemmTail& tail, int first) {
  for (int row = first; row < first + kTailRows && row < tail.rows; ++row) {
    const std::int32_t* sums = static_cast<const std::int32_t*>(tail.sums) + row * static_cast<int>(kStripColumns);
    Row x;
    for (int i = 0; i < kVectors; ++i) {
      const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + 8 * i));
      x[i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(tail.columns.scales + 8 * i),
                             _mm256_loadu_ps(tail.columns.bias + 8 * i));
    }
    activate<element>(tail.after, x);
    if constexpr (element == Element::f32)
      store_f32(tail, row, x);
    else if constexpr (element == Element::bf16)
      store_bf16(tail, row, x);
    else
      store_u8(tail, row, x);
  }
}

EndRows end_rows_to(Element element) {
  switch (element) {
    case Element::f32:
      return end_rows<Element::f32>;
    case Element::bf16:
      return end_rows<Element::bf16>;
    case Element::u8:
      break;
  }
  return end_rows<Element::u8>;
}

}  // namespace

VectorKernel avx2_vnni_kernel(Element destination) {
  return {nullptr, multiply_block_vnni, end_rows_to(destination)};
}

VectorKernel avx2_kernel(Element destination) {
  return {widen, multiply_block_wide, end_rows_to(destination)};
}

}  // namespace dfa
