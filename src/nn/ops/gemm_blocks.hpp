// Which thread multiplies what.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "nn/ops/gemm_pack.hpp"

namespace dfa {

// Note [Blocks of a product]
// Strips of the weights are put together to parts that stay in the second cache level, rows of the input to ranges of
// blocks. A task is a part and a range: block by block, and for each all strips of the part. So a part of the weights
// comes from far once for each thread that works on it, the input once for each part, and a row of the destination is
// written from left to right, which the processor foresees. A thread takes ranges of a part as long as there are any,
// then goes to the next part, which may be another thread's: so all finish together. No result depends on who does
// what.
struct GemmBlocks {
  static constexpr std::size_t kPartBytes = 700 * 1024;  // of 2 MiB: input and results pass through it as well

  std::size_t rows = 0, blocks = 0, strips = 0, parts = 0, ranges = 0;

  GemmBlocks(std::size_t rows_, std::size_t strips_, std::size_t steps, int threads)
      : rows(rows_), blocks(divide_up(rows_, kPieceRows)), strips(strips_) {
    constexpr std::size_t kTasksPerThread = 8;
    const std::size_t wanted = threads == 1 ? 1 : kTasksPerThread * static_cast<std::size_t>(threads);
    parts = std::max(divide_up(strips * steps * kPieceBytes, kPartBytes), divide_up(wanted, blocks));
    if (parts > 1) parts = round_up(parts, static_cast<std::size_t>(threads));  // a thread's own, as far as possible
    parts = std::min(parts, strips);
    ranges = std::min(blocks, divide_up(wanted, parts));
  }
  std::size_t part_strips() const { return divide_up(strips, parts); }
};

// Whether this thread used a part of the weights before.
enum class Weights { far, near };

struct GemmTask {
  std::size_t first_strip, last_strip, first_block, last_block;  // [first, last)
  Weights weights;
};

// One for each part, on a cache line of its own: ranges that were taken.
struct alignas(kLineBytes) TakenRanges {
  std::atomic<std::size_t> count = 0;
};

// run(task) for every range of every part that nobody else takes, beginning with the part that is nearest to this
// thread's share.
template <class Run>
void take_tasks(const GemmBlocks& at, TakenRanges* taken, int thread, int threads, const Run& run) {
  const std::size_t start = at.parts * static_cast<std::size_t>(thread) / static_cast<std::size_t>(threads);
  for (std::size_t i = 0; i < at.parts; ++i) {
    const std::size_t part = (start + i) % at.parts;
    Weights weights = Weights::far;
    for (;;) {
      const std::size_t range = taken[part].count.fetch_add(1, std::memory_order_relaxed);
      if (range >= at.ranges) break;
      run(GemmTask{part * at.strips / at.parts, (part + 1) * at.strips / at.parts, range * at.blocks / at.ranges,
                   (range + 1) * at.blocks / at.ranges, weights});
      weights = Weights::near;
    }
  }
}

// What the threads of a product share, at the beginning of its scratch.
struct SharedScratch {
  TakenRanges* taken;
  const float* biases;
  const float* zeros;  // as many; bf16 only
  std::byte* rest;     // for the threads' own memory

  static std::size_t bytes(const PackedMatrix& matrix, const GemmBlocks& blocks);
  // Fills it.
  SharedScratch(const PackedMatrix& matrix, const GemmBlocks& blocks, std::byte* scratch);
};

GemmBlocks gemm_blocks(const PackedMatrix& matrix, int rows, int threads);

}  // namespace dfa
