#include "nn/ops/gemm_amx.hpp"

#include <omp.h>

#include <new>

#include "nn/ops/gemm_blocks.hpp"
#include "nn/ops/gemm_tail_avx512.hpp"

#define DFA_AMX \
  __attribute__((target("amx-tile,amx-int8,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prfchw")))

namespace dfa {
namespace {

// Note [Products on tiles]
// A block of the input and a strip of the weights give 2 x 2 tiles of sums; a step loads four tiles and multiplies them
// in 64 cycles. What costs besides, and what is done about it:
//   Loads. From the second cache level four tiles take 100 cycles, from the first they are hidden. So a pass keeps its
//   piece of the strip (24 KiB of 48) in the first level for all blocks of a chunk, and the input is loaded with the
//   hint that it is not needed again, without which it would push the strip out. Deeper products are cut into passes;
//   the sums of all but the last pass wait in memory.
//   The end. Sums are stored (4 KiB) and ended while the tiles already work on the next block: after each step four
//   rows of the block before are scaled, activated and stored. After the products it would take as long as they.
//   Memory. The lines that a block is written to are requested a block ahead, the weights of a pass one pass ahead.
constexpr std::size_t kPassSteps = 16;  // at most
constexpr long kSumsRow = kStripColumns * sizeof(float);
constexpr std::size_t kSumsBytes = kPieceRows * kStripColumns * sizeof(float);

enum class Cells { int8, bf16 };

// Constant and static: the compiler may drop stores to a local one, as gcc 12 tells it that 8 bytes are read.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig kTiles;

template <Element element, Cells cells>
DFA_AMX void end_rows(const GemmTail& tail, int first) {
  avx512::Rows x;
  if constexpr (cells == Cells::int8)
    avx512::scaled_sums(tail, first, x);
  else
    avx512::biased_sums(tail, first, x);
  avx512::activate(tail.after, x);
  if constexpr (element == Element::f32) {
    avx512::store_f32(tail, first, x);
  } else if constexpr (element == Element::u8) {
    avx512::store_u8(tail, first, x);
  } else {
#pragma GCC unroll 4
    for (int row = 0; row < kTailRows; ++row) {
      const __m512bh narrow = _mm512_cvtne2ps_pbh(x[2 * row + 1], x[2 * row]);
      __m512i bits;
      std::memcpy(&bits, &narrow, sizeof bits);
      _mm512_mask_storeu_epi16(tail.to + static_cast<std::size_t>(first + row) * tail.row_bytes,
                               avx512::present(tail, first + row), bits);
    }
  }
}

template <Cells cells>
EndRows end_rows_to(Element element) {
  switch (element) {
    case Element::f32:
      return end_rows<Element::f32, cells>;
    case Element::bf16:
      return end_rows<Element::bf16, cells>;
    case Element::u8:
      break;
  }
  return end_rows<Element::u8, cells>;
}

// Weights of the next pass, requested a few lines at a time.
struct Ahead {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;
  std::size_t lines = 0;  // a step

  void step() {
    const std::byte* stop = std::min(end, at + lines * kLineBytes);
    for (; at < stop; at += kLineBytes) __builtin_prefetch(at, 0, 2);
  }
};

// The end of a block, in pieces of kTailRows rows, and the request of the lines of the block that comes after it.
struct Ending {
  const GemmTail& tail;
  EndRows end_rows;
  const GemmTail& next;
  int row = 0;

  DFA_AMX void step() {
    if (row >= tail.rows) return;
    const std::byte* to = next.to + static_cast<std::size_t>(row) * next.row_bytes;
#pragma GCC unroll 4
    for (int i = 0; i < kTailRows; ++i, to += next.row_bytes) {
      __builtin_prefetch(to, 1, 3);
      __builtin_prefetch(to + next.line_bytes - 1, 1, 3);
    }
    end_rows(tail, row);
    row += kTailRows;
  }
  DFA_AMX void rest() {
    while (row < tail.rows) step();
  }
};

template <Cells cells>
DFA_AMX inline void multiply_tiles() {
  if constexpr (cells == Cells::int8) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  } else {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

// to (32, 32) = from + a b: `steps` pieces of each. No `from`: zeros.
template <Cells cells>
DFA_AMX inline void multiply(const std::byte* a, const std::byte* b, std::size_t steps, const std::byte* from,
                             std::byte* to, Ending& ending, Ahead& ahead) {
  if (from == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, from, kSumsRow);
    _tile_loadd(1, from + kLineBytes, kSumsRow);
    _tile_loadd(2, from + kTileRows * kSumsRow, kSumsRow);
    _tile_loadd(3, from + kTileRows * kSumsRow + kLineBytes, kSumsRow);
  }
  for (std::size_t step = 0; step < steps; ++step, a += kPieceBytes, b += kPieceBytes) {
    _tile_stream_loadd(4, a, kLineBytes);
    _tile_loadd(6, b, kLineBytes);
    _tile_loadd(7, b + kTileBytes, kLineBytes);
    _tile_stream_loadd(5, a + kTileBytes, kLineBytes);
    multiply_tiles<cells>();
    ending.step();
    ahead.step();
  }
  ending.rest();
  _tile_stored(0, to, kSumsRow);
  _tile_stored(1, to + kLineBytes, kSumsRow);
  _tile_stored(2, to + kTileRows * kSumsRow, kSumsRow);
  _tile_stored(3, to + kTileRows * kSumsRow + kLineBytes, kSumsRow);
}

// Everything about the product that does not change.
struct Product {
  const PackedMatrix& matrix;
  const std::byte* src;
  const GemmDestination& destination;
  GemmBlocks blocks;
  std::size_t src_row, steps, to_row;
  EndRows end_rows;
};

// A thread's memory: a chunk of the input, and the sums of its blocks between two passes.
struct Workspace {
  std::byte* input;
  std::byte* sums;

  static std::size_t bytes(const GemmBlocks& blocks, std::size_t steps) {
    return blocks.chunk_rows / kPieceRows * (steps * kPieceBytes + (steps > kPassSteps ? kSumsBytes : 0));
  }
  Workspace(std::byte* memory, const GemmBlocks& blocks, std::size_t steps)
      : input(memory), sums(memory + blocks.chunk_rows / kPieceRows * steps * kPieceBytes) {}
};

enum class Packing { wanted, done };

// Strips [first, last) of a chunk.
template <Cells cells>
DFA_AMX void run_part(const Product& product, std::size_t chunk, std::size_t first, std::size_t last, Packing packing,
                      const Workspace& workspace) {
  alignas(64) std::byte sums[kSumsBytes];
  StripColumns columns[2];  // of this strip and the one before
  const std::size_t first_row = chunk * product.blocks.chunk_rows;
  const std::size_t rows = std::min(product.blocks.chunk_rows, product.blocks.rows - first_row);
  const std::size_t blocks = divide_up(rows, kPieceRows), block_bytes = product.steps * kPieceBytes;
  const std::size_t passes = divide_up(product.steps, kPassSteps), pass_steps = divide_up(product.steps, passes);
  const std::size_t line_bytes = kStripColumns * element_size(product.destination.element);
  const Codes* codes = product.destination.codes;
  const std::byte* src = product.src + first_row * product.src_row;
  GemmTail before, now;
  now.row_bytes = product.to_row;
  now.line_bytes = line_bytes;
  now.after = product.destination.after;
  now.zero_point = static_cast<std::int16_t>(codes != nullptr ? codes->zero_point : 0);
  _tile_loadconfig(&kTiles);
  for (std::size_t strip = first; strip < last; ++strip) {
    columns[strip % 2] = strip_columns(product.matrix, product.destination, strip);
    now.columns = &columns[strip % 2];
    const std::byte* weights = product.matrix.values + strip * block_bytes;
    const std::byte* end = product.matrix.values + last * block_bytes;
    for (std::size_t step = 0; step < product.steps; step += pass_steps) {
      const std::size_t steps = std::min(pass_steps, product.steps - step);
      const bool last_pass = step + steps == product.steps;
      Ahead ahead{weights + (step + steps) * kPieceBytes, nullptr,
                  divide_up(pass_steps * kPieceBytes / kLineBytes, blocks * steps)};
      ahead.end = std::min(end, ahead.at + pass_steps * kPieceBytes);
      for (std::size_t block = 0; block < blocks; ++block) {
        const std::size_t row = block * kPieceRows;
        std::byte* input = workspace.input + block * block_bytes;
        std::byte* kept = workspace.sums + block * kSumsBytes;
        if (packing == Packing::wanted && strip == first && step == 0) {
          pack_block(src + row * product.src_row, std::min(kPieceRows, rows - row), product.src_row, product.steps,
                     input);
          asm volatile("" ::: "memory");  // gcc 12 does not know that loading a tile reads memory
        }
        now.sums = sums;
        now.to = product.destination.values + (first_row + row) * product.to_row + strip * line_bytes;
        now.rows = static_cast<int>(std::min(kPieceRows, rows - row));
        Ending ending{before, product.end_rows, now};
        multiply<cells>(input + step * kPieceBytes, weights + step * kPieceBytes, steps, step == 0 ? nullptr : kept,
                        last_pass ? sums : kept, ending, ahead);
        before.rows = 0;
        if (last_pass) before = now;
      }
    }
  }
  for (int row = 0; row < before.rows; row += kTailRows) product.end_rows(before, row);
  _tile_release();
}

// Every part of every chunk that nobody else takes, beginning with the chunk that is nearest to this thread's share.
template <Cells cells>
void run_thread(const Product& product, TakenParts* taken, const Workspace& workspace, int thread, int threads) {
  const GemmBlocks& blocks = product.blocks;
  const std::size_t start = blocks.chunks * static_cast<std::size_t>(thread) / static_cast<std::size_t>(threads);
  for (std::size_t i = 0; i < blocks.chunks; ++i) {
    const std::size_t chunk = (start + i) % blocks.chunks;
    Packing packing = Packing::wanted;
    for (;;) {
      const std::size_t part = taken[chunk].count.fetch_add(1, std::memory_order_relaxed);
      if (part >= blocks.parts) break;
      run_part<cells>(product, chunk, part * blocks.strips / blocks.parts, (part + 1) * blocks.strips / blocks.parts,
                      packing, workspace);
      packing = Packing::done;
    }
  }
}

GemmBlocks blocks_of(const PackedMatrix& matrix, int rows, int threads) {
  return {static_cast<std::size_t>(rows), divide_up(static_cast<std::size_t>(matrix.out), kStripColumns),
          depth_steps(matrix.kernel, matrix.in), threads};
}

}  // namespace

std::size_t gemm_amx_scratch(const PackedMatrix& matrix, int rows, int threads) {
  const GemmBlocks blocks = blocks_of(matrix, rows, threads);
  return blocks.chunks * sizeof(TakenParts) +
         static_cast<std::size_t>(threads) * Workspace::bytes(blocks, depth_steps(matrix.kernel, matrix.in)) +
         kLineBytes;
}

void gemm_amx(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
              std::byte* scratch, int threads) {
  const bool int8 = matrix.kernel == GemmKernel::amx_int8;
  const Product product{
      .matrix = matrix,
      .src = src,
      .destination = destination,
      .blocks = blocks_of(matrix, rows, threads),
      .src_row = row_bytes(matrix.kernel, matrix.in),
      .steps = depth_steps(matrix.kernel, matrix.in),
      .to_row = static_cast<std::size_t>(matrix.out) * element_size(destination.element),
      .end_rows = int8 ? end_rows_to<Cells::int8>(destination.element) : end_rows_to<Cells::bf16>(destination.element)};
  scratch += (kLineBytes - reinterpret_cast<std::uintptr_t>(scratch) % kLineBytes) % kLineBytes;
  auto* taken = reinterpret_cast<TakenParts*>(scratch);
  for (std::size_t i = 0; i < product.blocks.chunks; ++i) new (taken + i) TakenParts;
  std::byte* memory = scratch + product.blocks.chunks * sizeof(TakenParts);
  const std::size_t mine = Workspace::bytes(product.blocks, product.steps);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    const Workspace workspace(memory + static_cast<std::size_t>(thread) * mine, product.blocks, product.steps);
    if (int8)
      run_thread<Cells::int8>(product, taken, workspace, thread, threads);
    else
      run_thread<Cells::bf16>(product, taken, workspace, thread, threads);
  }
}

}  // namespace dfa
