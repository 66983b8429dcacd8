// What a thread does of a product on tiles: the order of blocks, strips and passes of a task. Included by gemm_amx.cpp
// alone.
#pragma once

#include "nn/ops/gemm_blocks.hpp"
#include "nn/ops/gemm_tiles.hpp"

namespace dfa::amx {

// Note [Products on tiles]
// A block of the input and a strip of the weights give 2 x 2 tiles of sums; a step loads four tiles and multiplies them
// in 64 cycles. What costs besides, and what is done about it:
//   Loads. When both operands come from the second cache level a step takes half as long again, when one of them does,
//   hardly longer. So the other one stays in the first level (24 to 32 KiB of 48). Deeper products are cut into passes;
//   the sums of all but the last pass wait in memory.
//   The end. Sums are stored (4 KiB) and ended while the tiles already work on the next piece: between its steps rows
//   of the piece before are scaled, activated and stored. While tiles are multiplied there is room for one operation on
//   512 bits a cycle, 64 a step; but what columns need must be read once a piece, whole rows stored without masks, and
//   nothing read that was just written in smaller parts: it would come only after all stores before it.
//   Memory. One or two lines a step can be requested for nothing, four cost a tenth to a third of it, as far as they
//   are. So requests are spread evenly: the next block of the input; and where strips were not yet used by this thread,
//   they are multiplied with several blocks each, the next strip being requested meanwhile, before other blocks follow,
//   each with all strips.
//   Depth. The weights of a deep product fill many parts, and the input would come from far for each of them. Where
//   sums go to f32 (bf16 products only: codes must not be rounded in between) the destination itself is where they
//   wait: blocks of a task are multiplied pass by pass (a slab each), all but the first slab add to it.
inline constexpr std::size_t kPassSteps = 16;   // at most
inline constexpr std::size_t kStripBlocks = 9;  // that are multiplied with a strip before the next one, at most

// Everything about the product that does not change.
struct Product {
  const PackedMatrix& matrix;
  const std::byte* src;
  GemmDestination destination;
  GemmBlocks blocks;
  const float* biases;
  const float* zeros;             // as many; bf16 only
  std::size_t src_row, steps;     // bytes; pieces
  std::size_t slab_steps;         // after which the destination is written
  std::size_t to_row, strip_row;  // bytes of a row of the destination, and of a strip in it
};

// A thread's memory: a packed block, and the sums of strips, or blocks, between two passes; in slabs the packed blocks
// of a task.
struct Workspace {
  std::byte* input;
  std::byte* sums;

  static std::size_t bytes(const GemmBlocks& blocks, std::size_t steps, std::size_t slab_steps) {
    if (slab_steps < steps) return kStripBlocks * slab_steps * kPieceBytes;
    return steps * kPieceBytes + (steps > kPassSteps ? std::max(kStripBlocks, blocks.part_strips()) * kSumsBytes : 0);
  }
  Workspace(std::byte* memory, std::size_t steps) : input(memory), sums(memory + steps * kPieceBytes) {}
};

// Whether every row begins on a line, so that whole blocks are read where they lie.
inline bool read_in_place(const Product& product) {
  return product.src_row % kLineBytes == 0;
}

// Steps [first, last) of the rows from `row` on, packed.
inline InputBlock packed_block(const Product& product, std::size_t row, std::size_t first, std::size_t last,
                               std::byte* packed) {
  const std::size_t rows = std::min(kPieceRows, product.blocks.rows - row), at = first * kLineBytes;
  pack_block(product.src + row * product.src_row + at, rows, product.src_row - at, product.src_row, last - first,
             packed);
  asm volatile("" ::: "memory");  // gcc 12 does not know that loading a tile reads memory
  return {packed, kLineBytes, kPieceBytes, kTileBytes};
}

// All steps of the rows from `row` on: where they lie if they are whole lines and there are enough, otherwise packed.
inline InputBlock input_block(const Product& product, std::size_t row, std::byte* packed) {
  if (read_in_place(product) && product.blocks.rows - row >= kPieceRows)
    return {product.src + row * product.src_row, product.src_row, kLineBytes, kTileRows * product.src_row};
  return packed_block(product, row, 0, product.steps, packed);
}

// Multiplies pieces; each is ended while the next is multiplied.
template <Cells cells, Element element>
class Pieces {
 public:
  DFA_AMX explicit Pieces(const Product& product)
      : product_(product),
        columns_(product.matrix, product.destination, product.biases),
        later_columns_(product.matrix, product.destination, product.zeros == nullptr ? product.biases : product.zeros) {
    const Codes* codes = product.destination.codes;
    for (GemmTail& tail : tails_) {
      tail.sums = sums_;
      tail.row_bytes = product.to_row;
      tail.zero_point = static_cast<std::int16_t>(codes != nullptr ? codes->zero_point : 0);
    }
    _tile_loadconfig(&kTiles);
  }

  // Pieces of the steps [first, last) follow.
  void begin_slab(std::size_t first, std::size_t last) {
    first_ = first;
    last_ = last;
  }

  // The block at `row` and a strip, steps [first, last); `kept`: where its sums wait between passes. Arguments are not
  // put together to a struct: it would be written in small parts and read as a whole.
  template <Stays stays>
  DFA_AMX void run(const InputBlock& block, std::size_t row, std::size_t strip, std::size_t first, std::size_t last,
                   std::byte* kept, Requests& soon) {
    const bool ends = last == last_;
    const std::byte* weights = product_.matrix.values + (strip * product_.steps + first) * kPieceBytes;
    GemmTail& before = tails_[turn_];
    multiply<cells, element, stays>(block, first - first_, weights, last - first, first == first_ ? nullptr : kept,
                                    ends ? sums_ : kept, before, soon);
    before.rows = 0;
    if (!ends) return;
    turn_ = 1 - turn_;
    GemmTail& now = tails_[turn_];
    now.columns = first_ == 0 ? columns_.of(strip) : later_columns_.of(strip);
    now.after = first_ == 0 ? product_.destination.after : After::add_to_destination;
    now.to = product_.destination.values + row * product_.to_row + strip * product_.strip_row;
    now.rows = static_cast<int>(std::min(kPieceRows, product_.blocks.rows - row));
  }

  // After the last piece.
  DFA_AMX void finish() {
    const GemmTail& last = tails_[turn_];
    if (last.rows > 0) {
      const avx512::Columns columns = avx512::load_columns<cells == Cells::int8, element>(last.columns);
      for (int row = 0; row < last.rows; row += kTailRows) end_rows<cells, element>(columns, last, row);
    }
    _tile_release();
  }

 private:
  const Product& product_;
  const StripColumns columns_, later_columns_;
  std::size_t first_ = 0, last_ = 0;
  alignas(64) std::byte sums_[kSumsBytes];
  GemmTail tails_[2];
  int turn_ = 0;
};

// Blocks whose strips come from far: strip by strip, and for each all of these blocks.
template <Cells cells, Element element>
DFA_AMX void multiply_by_strips(const Product& product, const GemmTask& task, std::size_t blocks,
                                const Workspace& workspace, Pieces<cells, element>& pieces) {
  const std::size_t steps = product.steps, pass_steps = divide_up(steps, divide_up(steps, kPassSteps));
  InputBlock inputs[kStripBlocks];
  for (std::size_t i = 0; i < blocks; ++i)
    inputs[i] = input_block(product, (task.first_block + i) * kPieceRows, workspace.input);
  pieces.begin_slab(0, steps);
  for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip) {
    Requests soon;
    if (strip + 1 < task.last_strip)
      soon = {product.matrix.values + (strip + 1) * steps * kPieceBytes, steps * kPieceBytes, blocks * steps};
    for (std::size_t step = 0; step < steps; step += pass_steps) {
      for (std::size_t i = 0; i < blocks; ++i)
        pieces.template run<Stays::weights>(inputs[i], (task.first_block + i) * kPieceRows, strip, step,
                                            std::min(step + pass_steps, steps), workspace.sums + i * kSumsBytes, soon);
    }
  }
}

// All blocks of a task, slab by slab. They are packed: rows of several KiB lie in few sets of the first cache level.
template <Cells cells, Element element>
DFA_AMX void multiply_slabs(const Product& product, const GemmTask& task, const Workspace& workspace,
                            Pieces<cells, element>& pieces) {
  const std::size_t blocks = task.last_block - task.first_block, strips = task.last_strip - task.first_strip;
  const std::size_t far = std::min(kStripBlocks, blocks);
  InputBlock inputs[kStripBlocks];
  for (std::size_t slab = 0; slab < product.steps; slab += product.slab_steps) {
    const std::size_t end = std::min(product.steps, slab + product.slab_steps), depth = end - slab;
    for (std::size_t i = 0; i < far; ++i)
      inputs[i] = packed_block(product, (task.first_block + i) * kPieceRows, slab, end,
                               workspace.input + i * product.slab_steps * kPieceBytes);
    pieces.begin_slab(slab, end);
    for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip) {
      Requests soon;
      if (strip + 1 < task.last_strip)
        soon = {product.matrix.values + ((strip + 1) * product.steps + slab) * kPieceBytes, depth * kPieceBytes,
                far * depth};
      for (std::size_t i = 0; i < far; ++i)
        pieces.template run<Stays::weights>(inputs[i], (task.first_block + i) * kPieceRows, strip, slab, end, nullptr,
                                            soon);
    }
    for (std::size_t block = task.first_block + far; block < task.last_block; ++block) {
      const std::size_t row = block * kPieceRows;
      const bool last = block + 1 == task.last_block;
      const std::size_t next = last ? task.first_block * kPieceRows : row + kPieceRows, next_step = last ? end : slab;
      const InputBlock input = packed_block(product, row, slab, end, workspace.input);
      Requests soon;
      if (next < product.blocks.rows && next_step < product.steps)
        soon = {product.src + next * product.src_row + next_step * kLineBytes, depth * kLineBytes, product.src_row,
                std::min(kPieceRows, product.blocks.rows - next), strips * depth};
      for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip)
        pieces.template run<Stays::input>(input, row, strip, slab, end, nullptr, soon);
    }
  }
}

// A block with all strips of the task.
template <Cells cells, Element element>
DFA_AMX void multiply_block(const Product& product, const GemmTask& task, std::size_t block, const Workspace& workspace,
                            Pieces<cells, element>& pieces) {
  const std::size_t row = block * kPieceRows, next = row + kPieceRows, steps = product.steps;
  const std::size_t pass_steps = divide_up(steps, divide_up(steps, kPassSteps));
  const InputBlock input = input_block(product, row, workspace.input);
  Requests soon;
  if (next < product.blocks.rows)
    soon = Requests(product.src + next * product.src_row, product.src_row, product.src_row,
                    std::min(kPieceRows, product.blocks.rows - next), (task.last_strip - task.first_strip) * steps);
  pieces.begin_slab(0, steps);
  for (std::size_t step = 0; step < steps; step += pass_steps) {
    for (std::size_t strip = task.first_strip; strip < task.last_strip; ++strip)
      pieces.template run<Stays::input>(input, row, strip, step, std::min(step + pass_steps, steps),
                                        workspace.sums + (strip - task.first_strip) * kSumsBytes, soon);
  }
}

template <Cells cells, Element element>
DFA_AMX void run_task(const Product& product, const GemmTask& task, const Workspace& workspace) {
  Pieces<cells, element> pieces(product);
  if (product.slab_steps < product.steps) {
    multiply_slabs(product, task, workspace, pieces);
  } else {
    std::size_t block = task.first_block;
    if (task.weights == Weights::far) {
      // Where blocks must be packed there is room for one.
      const std::size_t room = read_in_place(product) ? kStripBlocks : 1;
      const std::size_t far = std::min(room, task.last_block - block);
      multiply_by_strips(product, task, far, workspace, pieces);
      block += far;
    }
    for (; block < task.last_block; ++block) multiply_block(product, task, block, workspace, pieces);
  }
  pieces.finish();
}

}  // namespace dfa::amx
