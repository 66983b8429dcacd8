#include "nn/ops/gemm_blocks.hpp"

#include <new>

#include "nn/ops/gemm_tail.hpp"

namespace dfa {
namespace {

std::size_t biases_bytes(const PackedMatrix& matrix) {
  return round_up(static_cast<std::size_t>(matrix.out) * sizeof(float), kLineBytes);
}

}  // namespace

std::size_t SharedScratch::bytes(const PackedMatrix& matrix, const GemmBlocks& blocks) {
  return kLineBytes + blocks.parts * sizeof(TakenRanges) + biases_bytes(matrix);
}

SharedScratch::SharedScratch(const PackedMatrix& matrix, const GemmBlocks& blocks, std::byte* scratch) {
  scratch += (kLineBytes - reinterpret_cast<std::uintptr_t>(scratch) % kLineBytes) % kLineBytes;
  taken = reinterpret_cast<TakenRanges*>(scratch);
  for (std::size_t i = 0; i < blocks.parts; ++i) new (taken + i) TakenRanges;
  auto* made = reinterpret_cast<float*>(taken + blocks.parts);
  rest = reinterpret_cast<std::byte*>(made) + biases_bytes(matrix);
  const bool bf16 = matrix.kernel == GemmKernel::amx_bf16;
  biases = bf16 ? matrix.bias : made;
  zeros = bf16 ? made : nullptr;
  if (bf16)
    std::fill_n(made, matrix.out, 0.0F);
  else
    tail_biases(matrix, made);
}

GemmBlocks gemm_blocks(const PackedMatrix& matrix, int rows, int threads) {
  return {static_cast<std::size_t>(rows), divide_up(static_cast<std::size_t>(matrix.out), kStripColumns),
          depth_steps(matrix.kernel, matrix.in), threads};
}

}  // namespace dfa
