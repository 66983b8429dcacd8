#include "nn/ops/gemm_amx.hpp"

#include <omp.h>

#include "nn/ops/gemm_blocks.hpp"
#include "nn/ops/gemm_tail_avx512.hpp"

#define DFA_AMX __attribute__((target("amx-tile,amx-int8,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace dfa {
namespace {

// Note [Products on tiles]
// A block of the input and a strip of the weights give 2 x 2 tiles of sums; a step loads four tiles and multiplies them
// in 64 cycles. What costs besides, and what is done about it:
//   Loads. From the second cache level four tiles take 100 cycles, from the first 80. So the packed block stays in the
//   first level (24 KiB of 48) for all strips of a part, and the weights are loaded with the hint that they are not
//   needed again, without which they would push it out. Deeper products are cut into passes; the sums of all but the
//   last pass wait in memory.
//   The end. Sums are stored (4 KiB) and ended while the tiles already work on the next strip: between its steps rows
//   of the strip before are scaled, activated and stored. While tiles are multiplied there is room for one operation on
//   512 bits a cycle, 64 a step: an operation on every sum more takes 64 cycles of the 770 that a strip of a 768 deep
//   int8 product has.
//   Memory. What is needed next is requested in runs of lines, of which the processor foresees the rest: the next block
//   of the input, a share a strip; and weights that the thread did not use yet, a strip ahead.
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
  avx512::activate<element>(tail.after, x);
  if constexpr (element == Element::f32) {
    avx512::store_f32(tail, first, x);
  } else if constexpr (element == Element::u8) {
    avx512::store_u8(tail, first, x);
  } else {
#pragma GCC unroll 2
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

// The end of a strip, evenly spread over the steps of the next one.
struct Ending {
  const GemmTail& tail;
  EndRows end_rows;
  std::size_t steps;
  std::size_t due = 0;
  int row = 0;

  void step() {
    for (due += kPieceRows / kTailRows; due >= steps; due -= steps) {
      if (row < tail.rows) end_rows(tail, row);
      row += kTailRows;
    }
  }
};

// Lines one after the other, asked for in one run.
struct Wanted {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;

  void request(std::size_t bytes) {
    const std::byte* stop = at + std::min(bytes, static_cast<std::size_t>(end - at));
    for (; at < stop; at += kLineBytes) __builtin_prefetch(at, 0, 2);
    at = stop;
  }
};

// A block of the input: as it lies in memory, or packed.
struct InputBlock {
  const std::byte* at = nullptr;
  std::size_t row_bytes = 0, step_bytes = 0, lower = 0;  // lower: to the tile of the lower 16 rows
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

// to (32, 32) = from + input b: `steps` pieces of each. No `from`: zeros.
template <Cells cells>
DFA_AMX inline void multiply(const InputBlock& input, const std::byte* b, std::size_t steps, const std::byte* from,
                             std::byte* to, Ending ending) {
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
  const std::byte* a = input.at;
  const long a_row = static_cast<long>(input.row_bytes);
  for (std::size_t step = 0; step < steps; ++step, a += input.step_bytes, b += kPieceBytes) {
    _tile_stream_loadd(6, b, kLineBytes);
    _tile_stream_loadd(7, b + kTileBytes, kLineBytes);
    _tile_loadd(4, a, a_row);
    _tile_loadd(5, a + input.lower, a_row);
    multiply_tiles<cells>();
    ending.step();
  }
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
  const float* biases;
  EndRows end_rows;
  std::size_t src_row, steps;      // bytes; pieces
  std::size_t to_row, line_bytes;  // bytes of a row of the destination, and of a strip in it
};

// A thread's memory: a packed block, and the sums of the strips of a part between two passes.
struct Workspace {
  std::byte* input;
  std::byte* sums;

  static std::size_t bytes(const GemmBlocks& blocks, std::size_t steps) {
    return steps * kPieceBytes + (steps > kPassSteps ? blocks.part_strips() * kSumsBytes : 0);
  }
  Workspace(std::byte* memory, std::size_t steps) : input(memory), sums(memory + steps * kPieceBytes) {}
};

// Rows from `row` on: where they lie if they are whole lines and there are enough, otherwise packed.
InputBlock input_block(const Product& product, std::size_t row, std::byte* packed) {
  const std::byte* src = product.src + row * product.src_row;
  const std::size_t rows = std::min(kPieceRows, product.blocks.rows - row);
  if (product.src_row % kLineBytes == 0 && rows == kPieceRows)
    return {src, product.src_row, kLineBytes, kTileRows * product.src_row};
  pack_block(src, rows, product.src_row, product.steps, packed);
  asm volatile("" ::: "memory");  // gcc 12 does not know that loading a tile reads memory
  return {packed, kLineBytes, kPieceBytes, kTileBytes};
}

template <Cells cells>
DFA_AMX void run_task(const Product& product, const GemmTask& task, const Workspace& workspace) {
  alignas(64) std::byte sums[kSumsBytes];
  const StripColumns columns(product.matrix, product.destination, product.biases);
  const std::size_t strip_bytes = product.steps * kPieceBytes;
  const std::size_t passes = divide_up(product.steps, kPassSteps), pass_steps = divide_up(product.steps, passes);
  const std::size_t block_bytes = kPieceRows * product.src_row;
  const std::size_t share = divide_up(block_bytes, (task.last_strip - task.first_strip) * passes);
  const std::byte* src_end = product.src + product.blocks.rows * product.src_row;
  const Codes* codes = product.destination.codes;
  GemmTail before, now;
  now.sums = sums;
  now.row_bytes = product.to_row;
  now.after = product.destination.after;
  now.zero_point = static_cast<std::int16_t>(codes != nullptr ? codes->zero_point : 0);
  _tile_loadconfig(&kTiles);
  for (std::size_t block = task.first_block; block < task.last_block; ++block) {
    const std::size_t row = block * kPieceRows, rows = std::min(kPieceRows, product.blocks.rows - row);
    const InputBlock all = input_block(product, row, workspace.input);
    const bool far = task.weights == Weights::far && block == task.first_block;
    Wanted next{product.src + (row + rows) * product.src_row, src_end};
    for (std::size_t step = 0; step < product.steps; step += pass_steps) {
      const std::size_t steps = std::min(pass_steps, product.steps - step);
      const bool last_pass = step + steps == product.steps;
      for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip) {
        const std::byte* weights = product.matrix.values + strip * strip_bytes + step * kPieceBytes;
        std::byte* kept = workspace.sums + (strip - task.first_strip) * kSumsBytes;
        if (last_pass) {
          now.columns = columns.of(strip);
          now.to = product.destination.values + row * product.to_row + strip * product.line_bytes;
          now.rows = static_cast<int>(rows);
        }
        next.request(share);
        if (far && strip + 1 < task.last_strip)
          Wanted{weights + strip_bytes, weights + strip_bytes + steps * kPieceBytes}.request(strip_bytes);
        InputBlock input = all;
        input.at += step * all.step_bytes;
        multiply<cells>(input, weights, steps, step == 0 ? nullptr : kept, last_pass ? sums : kept,
                        {before, product.end_rows, steps});
        before.rows = 0;
        if (last_pass) before = now;
      }
    }
  }
  for (int row = 0; row < before.rows; row += kTailRows) product.end_rows(before, row);
  _tile_release();
}

}  // namespace

std::size_t gemm_amx_scratch(const PackedMatrix& matrix, int rows, int threads) {
  const GemmBlocks blocks = gemm_blocks(matrix, rows, threads);
  return SharedScratch::bytes(matrix, blocks) +
         static_cast<std::size_t>(threads) * Workspace::bytes(blocks, depth_steps(matrix.kernel, matrix.in));
}

void gemm_amx(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
              std::byte* scratch, int threads) {
  const bool int8 = matrix.kernel == GemmKernel::amx_int8;
  const GemmBlocks blocks = gemm_blocks(matrix, rows, threads);
  const SharedScratch shared(matrix, blocks, scratch);
  const Product product{
      .matrix = matrix,
      .src = src,
      .destination = destination,
      .blocks = blocks,
      .biases = shared.biases,
      .end_rows = int8 ? end_rows_to<Cells::int8>(destination.element) : end_rows_to<Cells::bf16>(destination.element),
      .src_row = row_bytes(matrix.kernel, matrix.in),
      .steps = depth_steps(matrix.kernel, matrix.in),
      .to_row = static_cast<std::size_t>(matrix.out) * element_size(destination.element),
      .line_bytes = kStripColumns * element_size(destination.element)};
  const std::size_t thread_bytes = Workspace::bytes(blocks, product.steps);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    const Workspace workspace(shared.rest + static_cast<std::size_t>(thread) * thread_bytes, product.steps);
    take_tasks(blocks, shared.taken, thread, threads, [&](const GemmTask& task) {
      if (int8)
        run_task<Cells::int8>(product, task, workspace);
      else
        run_task<Cells::bf16>(product, task, workspace);
    });
  }
}

}  // namespace dfa
