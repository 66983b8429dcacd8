#include "nn/ops/gemm_amx.hpp"

#include <omp.h>

#include "nn/ops/gemm_amx_task.hpp"

namespace dfa {
namespace {

using amx::Cells;
using amx::Product;
using RunTask = void (*)(const Product& product, const GemmTask& task, const amx::Workspace& workspace);

template <Cells cells>
RunTask run_task_to(Element element) {
  switch (element) {
    case Element::f32:
      return amx::run_task<cells, Element::f32>;
    case Element::bf16:
      return amx::run_task<cells, Element::bf16>;
    case Element::u8:
      break;
  }
  return amx::run_task<cells, Element::u8>;
}

// Whether the product is done in slabs: a matter of the layer alone, for slabs change the order of the sums.
bool in_slabs(const PackedMatrix& matrix, Element element, After after) {
  constexpr std::size_t kDeepSteps = 48;
  const bool sums = element == Element::f32 && (after == After::nothing || after == After::add_to_destination);
  return sums && matrix.kernel == GemmKernel::amx_bf16 && depth_steps(matrix.kernel, matrix.in) > kDeepSteps;
}

GemmBlocks blocks_of(const PackedMatrix& matrix, int rows, bool slabs, int threads) {
  GemmBlocks blocks = gemm_blocks(matrix, rows, threads);
  if (!slabs) return blocks;
  constexpr std::size_t kSlabBlocks = 25;  // few strips stay near: they are used by as many blocks as possible
  blocks.parts = 1;
  blocks.ranges = divide_up(blocks.blocks, kSlabBlocks);
  blocks.ranges = std::min(blocks.blocks, round_up(blocks.ranges, static_cast<std::size_t>(threads)));
  return blocks;
}

}  // namespace

std::size_t gemm_amx_scratch(const PackedMatrix& matrix, int rows, int threads) {
  const std::size_t steps = depth_steps(matrix.kernel, matrix.in);
  const auto bytes = [&](bool slabs) {
    const GemmBlocks blocks = blocks_of(matrix, rows, slabs, threads);
    return SharedScratch::bytes(matrix, blocks) +
           static_cast<std::size_t>(threads) * amx::Workspace::bytes(blocks, steps, slabs ? amx::kPassSteps : steps);
  };
  const bool slabs = in_slabs(matrix, Element::f32, After::nothing);  // others never are
  return slabs ? std::max(bytes(true), bytes(false)) : bytes(false);
}

void gemm_amx(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
              std::byte* scratch, int threads) {
  const bool slabs = in_slabs(matrix, destination.element, destination.after);
  const std::size_t steps = depth_steps(matrix.kernel, matrix.in);
  const GemmBlocks blocks = blocks_of(matrix, rows, slabs, threads);
  const SharedScratch shared(matrix, blocks, scratch);
  const Product product{.matrix = matrix,
                        .src = src,
                        .destination = destination,
                        .blocks = blocks,
                        .biases = shared.biases,
                        .zeros = shared.zeros,
                        .src_row = row_bytes(matrix.kernel, matrix.in),
                        .steps = steps,
                        .slab_steps = slabs ? amx::kPassSteps : steps,
                        .to_row = static_cast<std::size_t>(matrix.out) * element_size(destination.element),
                        .strip_row = kStripColumns * element_size(destination.element)};
  const RunTask run = matrix.kernel == GemmKernel::amx_int8 ? run_task_to<Cells::int8>(destination.element)
                                                            : run_task_to<Cells::bf16>(destination.element);
  const std::size_t thread_bytes = amx::Workspace::bytes(blocks, steps, product.slab_steps);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    const amx::Workspace workspace(shared.rest + static_cast<std::size_t>(thread) * thread_bytes, steps);
    take_tasks(blocks, shared.taken, thread, threads, [&](const GemmTask& task) { run(product, task, workspace); });
  }
}

}  // namespace dfa
