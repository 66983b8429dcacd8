#include "nn/ops/gemm_vector.hpp"

#include <omp.h>

#include "nn/ops/gemm_blocks.hpp"

namespace dfa {
namespace {

VectorKernel kernel_of(GemmKernel kernel, Element destination) {
  switch (kernel) {
    case GemmKernel::avx512_vnni_int8:
      return avx512_vnni_kernel(destination);
    case GemmKernel::avx2_vnni_int8:
      return avx2_vnni_kernel(destination);
    default:
      return avx2_kernel(destination);
  }
}

struct Product {
  const PackedMatrix& matrix;
  const std::byte* src;
  const GemmDestination& destination;
  const GemmBlocks& blocks;
  const float* biases;
  VectorKernel kernel;
};

// Block by block, and for each all strips: multiplied and ended one after the other.
void run_task(const Product& product, const GemmTask& task, std::byte* input) {
  alignas(kLineBytes) std::int32_t sums[kPieceRows * kStripColumns];
  const StripColumns columns(product.matrix, product.destination, product.biases);
  const GemmDestination& to = product.destination;
  const std::size_t src_row = row_bytes(product.matrix.kernel, product.matrix.in);
  const std::size_t steps = depth_steps(product.matrix.kernel, product.matrix.in);
  const std::size_t to_row = static_cast<std::size_t>(product.matrix.out) * element_size(to.element);
  GemmTail tail;
  tail.sums = sums;
  tail.row_bytes = to_row;
  tail.after = to.after;
  tail.zero_point = static_cast<std::int16_t>(to.codes != nullptr ? to.codes->zero_point : 0);
  for (std::size_t block = task.first_block; block < task.last_block; ++block) {
    const std::size_t row = block * kPieceRows, rows = std::min(kPieceRows, product.blocks.rows - row);
    pack_block(product.src + row * src_row, rows, src_row, src_row, steps, input);
    if (product.kernel.prepare != nullptr) product.kernel.prepare(input, steps);
    tail.rows = static_cast<int>(rows);
    for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip) {
      product.kernel.multiply(input, product.matrix.values + strip * steps * kPieceBytes, steps, sums);
      tail.columns = columns.of(strip);
      tail.to = to.values + row * to_row + strip * kStripColumns * element_size(to.element);
      for (int at = 0; at < tail.rows; at += kTailRows) product.kernel.end_rows(tail, at);
    }
  }
}

std::size_t thread_bytes(const PackedMatrix& matrix) {
  return kPreparedBytes * depth_steps(matrix.kernel, matrix.in) * kPieceBytes;
}

}  // namespace

std::size_t gemm_vector_scratch(const PackedMatrix& matrix, int rows, int threads) {
  return SharedScratch::bytes(matrix, gemm_blocks(matrix, rows, threads)) +
         static_cast<std::size_t>(threads) * thread_bytes(matrix);
}

void gemm_vector(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
                 std::byte* scratch, int threads) {
  const GemmBlocks blocks = gemm_blocks(matrix, rows, threads);
  const SharedScratch shared(matrix, blocks, scratch);
  const Product product{matrix, src, destination, blocks, shared.biases, kernel_of(matrix.kernel, destination.element)};
  const std::size_t mine = thread_bytes(matrix);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    std::byte* input = shared.rest + static_cast<std::size_t>(thread) * mine;
    take_tasks(blocks, shared.taken, thread, threads, [&](const GemmTask& task) { run_task(product, task, input); });
  }
}

}  // namespace dfa
