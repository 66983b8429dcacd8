// What every fast kernel hands to the code that ends a product: sums in, stored values out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/gemm.hpp"

namespace dfa {

// Columns that are multiplied and ended together. A strip's bytes in any destination are half a cache line or more.
inline constexpr std::size_t kStripColumns = 32;

// What the columns of a strip need. Zeros stand for those that the matrix does not have.
struct TailColumns {
  const float* scales = nullptr;       // int8 only
  const float* bias = nullptr;         // of int8: less the offset
  const float* multipliers = nullptr;  // u8 only
  std::uint32_t present = 0;           // bit i: column i exists
};

// The columns of every strip: those of a whole strip where they lie, those of the last one copied.
class StripColumns {
 public:
  // `biases`: tail_biases(), or those of the matrix.
  StripColumns(const PackedMatrix& matrix, const GemmDestination& destination, const float* biases);
  TailColumns of(std::size_t strip) const;

 private:
  TailColumns all_;
  std::size_t whole_;  // strips
  std::uint32_t last_present_;
  alignas(64) float scales_[kStripColumns] = {};
  alignas(64) float bias_[kStripColumns] = {};
  alignas(64) float multipliers_[kStripColumns] = {};
};

// Note [Scale and offset]
// y = (sum - offset) scale + bias is done as fma(sum, scale, b) with b = fma(-offset, scale, bias), made once for every
// output: one operation for each value of a product less. Every kernel does just this, the plain loops too, so that all
// give the same bits.
void tail_biases(const PackedMatrix& matrix, float* biases);

// A block of sums (rows, kStripColumns): i32 of int8 products, f32 of bf16 products.
struct GemmTail {
  TailColumns columns;
  const void* sums = nullptr;
  std::byte* to = nullptr;    // first value of the block
  std::size_t row_bytes = 0;  // from a row of the destination to the next
  int rows = 0;               // that exist; the block may have more
  After after = After::nothing;
  std::int16_t zero_point = 0;
};

// Ends kTailRows rows of the block, of which row `first` exists.
inline constexpr int kTailRows = 2;
using EndRows = void (*)(const GemmTail& tail, int first);

}  // namespace dfa
