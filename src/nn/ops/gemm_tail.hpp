// What every fast kernel hands to the code that ends a product: sums in, stored values out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/gemm.hpp"

namespace dfa {

// Columns that are multiplied and ended together. A strip's bytes in any destination are half a cache line or more.
inline constexpr std::size_t kStripColumns = 32;

// What the columns of a strip need, padded with zeros where the matrix ends.
struct StripColumns {
  alignas(64) std::int32_t offsets[kStripColumns] = {};
  alignas(64) float scales[kStripColumns] = {};
  alignas(64) float bias[kStripColumns] = {};
  alignas(64) float multipliers[kStripColumns] = {};  // u8 only
  std::uint32_t present = 0;                          // bit i: column i exists
};

StripColumns strip_columns(const PackedMatrix& matrix, const GemmDestination& destination, std::size_t strip);

// A block of sums (rows, kStripColumns): i32 of int8 products, f32 of bf16 products.
struct GemmTail {
  const StripColumns* columns = nullptr;
  const void* sums = nullptr;
  std::byte* to = nullptr;     // first value of the block
  std::size_t row_bytes = 0;   // from a row of the destination to the next
  std::size_t line_bytes = 0;  // of a strip in a row of the destination
  int rows = 0;                // that exist; the block may have more
  After after = After::nothing;
  std::int16_t zero_point = 0;
};

// Ends kTailRows rows of the block, of which row `first` exists.
inline constexpr int kTailRows = 4;
using EndRows = void (*)(const GemmTail& tail, int first);

}  // namespace dfa
