// Which thread multiplies what.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "nn/ops/gemm_pack.hpp"

namespace dfa {

// Note [Blocks of a product]
// Rows are cut into chunks whose input, packed, stays in the second cache level; a chunk's columns into parts. A task
// is a part of a chunk: strip by strip of the weights, and for each all blocks of the chunk, so that weights, which
// come from far, are read once for each chunk. A thread packs a chunk and takes its parts one after the other; when
// none is left it goes to the next chunk, which may be another thread's: so all finish together. A product of few rows
// is one chunk, of which each thread takes columns: its weights are more than its input. No result depends on who does
// what.
struct GemmBlocks {
  std::size_t rows = 0, strips = 0, chunk_rows = 0, chunks = 0, parts = 0;

  GemmBlocks(std::size_t rows_, std::size_t strips_, std::size_t steps, int threads) : rows(rows_), strips(strips_) {
    constexpr std::size_t kChunkBytes = 1300 * 1024;  // of 2 MiB: weights and results pass through it as well
    constexpr std::size_t kPartsPerThread = 8;
    constexpr std::size_t kPackingWeight = 4;  // a byte of the input costs as much as so many bytes of weights
    const std::size_t blocks = divide_up(rows, kPieceRows), team = static_cast<std::size_t>(threads);
    const std::size_t input_bytes = blocks * steps * kPieceBytes;
    chunks = divide_up(input_bytes, kChunkBytes);
    if (blocks * kPackingWeight > strips || strips < team) chunks = std::max(chunks, team);
    chunks = std::min(chunks, blocks);
    chunk_rows = divide_up(blocks, chunks) * kPieceRows;
    chunks = divide_up(rows, chunk_rows);
    parts = threads == 1 ? 1 : std::min(strips, divide_up(kPartsPerThread * team, chunks));
  }
};

// One for each chunk, on a cache line of its own: parts that were taken.
struct alignas(kLineBytes) TakenParts {
  std::atomic<std::size_t> count = 0;
};

}  // namespace dfa
