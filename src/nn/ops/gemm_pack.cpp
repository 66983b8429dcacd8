#include "nn/ops/gemm_pack.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

// One row of weights (`bytes` bytes of codes or bf16) into its column of its strip.
void pack_output(const std::byte* row, std::size_t bytes, std::size_t steps, std::size_t output, std::byte* to) {
  to += output / kPieceRows * steps * kPieceBytes + output % kPieceRows / kTileRows * kTileBytes;
  to += output % kTileRows * kCellBytes;
  for (std::size_t at = 0; at < bytes; at += kCellBytes) {
    const std::size_t step = at / kLineBytes, line = at % kLineBytes / kCellBytes;
    std::memcpy(to + step * kPieceBytes + line * kLineBytes, row + at, std::min(kCellBytes, bytes - at));
  }
}

}  // namespace

std::size_t row_bytes(GemmKernel kernel, int in) {
  return static_cast<std::size_t>(in) * (kernel == GemmKernel::amx_bf16 ? sizeof(std::uint16_t) : 1);
}

std::size_t depth_steps(GemmKernel kernel, int in) {
  return divide_up(row_bytes(kernel, in), kLineBytes);
}

std::size_t packed_strips_bytes(GemmKernel kernel, int in, int out) {
  return divide_up(static_cast<std::size_t>(out), kPieceRows) * depth_steps(kernel, in) * kPieceBytes;
}

void pack_strips(const Int8Weights& weights, std::byte* to) {
  const std::size_t in = static_cast<std::size_t>(weights.in), out = static_cast<std::size_t>(weights.out);
  const std::size_t steps = depth_steps(GemmKernel::amx_int8, weights.in);
  std::memset(to, 0, packed_strips_bytes(GemmKernel::amx_int8, weights.in, weights.out));
  for (std::size_t output = 0; output < out; ++output)
    pack_output(reinterpret_cast<const std::byte*>(weights.values.data() + output * in), in, steps, output, to);
}

void pack_strips(std::span<const float> weight, int in, int out, std::byte* to) {
  const std::size_t columns = static_cast<std::size_t>(in), bytes = row_bytes(GemmKernel::amx_bf16, in);
  const std::size_t steps = depth_steps(GemmKernel::amx_bf16, in);
  std::memset(to, 0, packed_strips_bytes(GemmKernel::amx_bf16, in, out));
  std::vector<std::uint16_t> row(columns);
  for (std::size_t output = 0; output < static_cast<std::size_t>(out); ++output) {
    for (std::size_t i = 0; i < columns; ++i) row[i] = bf16_from_f32(weight[output * columns + i]);
    pack_output(reinterpret_cast<const std::byte*>(row.data()), bytes, steps, output, to);
  }
}

void pack_block(const std::byte* src, std::size_t rows, std::size_t bytes, std::size_t stride, std::size_t steps,
                std::byte* to) {
  const std::size_t whole = bytes / kLineBytes, rest = bytes % kLineBytes;
  for (std::size_t row = 0; row < kPieceRows; ++row, to += kLineBytes) {
    const std::byte* from = src + row * stride;
    const bool present = row < rows;
    for (std::size_t step = 0; step < steps; ++step) {
      std::byte* line = to + step * kPieceBytes;
      const std::size_t count = !present ? 0 : step < whole ? kLineBytes : rest;
      if (count == kLineBytes) {
        std::memcpy(line, from + step * kLineBytes, kLineBytes);
      } else {
        std::memset(line, 0, kLineBytes);
        std::memcpy(line, from + step * kLineBytes, count);
      }
    }
  }
}

}  // namespace dfa
