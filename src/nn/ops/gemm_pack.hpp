// How the fast kernels store the weights and the input of a product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/ops/gemm.hpp"

namespace dfa {

// Note [Packed matrices]
// All instructions for narrow products multiply cells of 4 bytes: 4 codes or 2 bf16 of a row of the input with as many
// of a row of the weights, and add the products to one 32-bit sum. Both matrices are cut into pieces of 32 rows
// (outputs, for the weights: a strip; rows of the input: a block) and 64 bytes of depth (a step); a piece is two tiles
// of 1 KiB, and a strip's or block's pieces follow each other, so that a product reads both in one direction. A tile of
// the input is 16 rows of 64 bytes; one of the weights is turned, 16 cells of depth with 16 outputs each: 16 lines are
// an AMX tile, one is an AVX-512 vector, half of one an AVX2 vector. What is missing is filled with zeros. int8 and
// bf16 have one code for all of this.
inline constexpr std::size_t kCellBytes = 4;
inline constexpr std::size_t kLineBytes = 64;
inline constexpr std::size_t kTileRows = 16;
inline constexpr std::size_t kTileBytes = kTileRows * kLineBytes;
inline constexpr std::size_t kPieceRows = 2 * kTileRows;
inline constexpr std::size_t kPieceBytes = 2 * kTileBytes;

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}
constexpr std::size_t divide_up(std::size_t value, std::size_t by) {
  return (value + by - 1) / by;
}

// Bytes of a row of the input of a kernel as it lies in memory, and pieces of depth that it takes.
std::size_t row_bytes(GemmKernel kernel, int in);
std::size_t depth_steps(GemmKernel kernel, int in);

std::size_t packed_strips_bytes(GemmKernel kernel, int in, int out);
void pack_strips(const Int8Weights& weights, std::byte* to);
void pack_strips(std::span<const float> weight, int in, int out, std::byte* to);

// `rows` (at most kPieceRows) rows of `bytes` bytes, `stride` from one to the next, as one block of `steps` pieces.
void pack_block(const std::byte* src, std::size_t rows, std::size_t bytes, std::size_t stride, std::size_t steps,
                std::byte* to);

}  // namespace dfa
