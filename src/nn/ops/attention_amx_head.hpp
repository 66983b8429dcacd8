// One head's attention on tiles, for attention_amx.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "nn/ops/attention.hpp"
#include "nn/ops/attention_amx_ahead.hpp"
#include "nn/ops/attention_amx_pack.hpp"
#include "nn/ops/attention_amx_result.hpp"
#include "nn/ops/attention_amx_weights.hpp"

namespace dfa::tiles {

// Note [Attention on tiles]
// A tile register holds 16 rows of 64 bytes. One instruction multiplies A (16 x 32 bf16) with B (32 x 16 bf16, stored
// as 16 rows of 16 pairs: value 2r and 2r + 1 of column n lie together) and adds to C (16 x 16 f32). One task is an
// image, a head and a range of queries. It packs the head's keys and values as such B tiles once (1029 keys of 128: 0.5
// MB, the second cache level), then takes 32 queries and a chunk of keys at a time: a unit. Its scores, its weights as
// bf16 (in the place of the scores) and the 32 unnormalised results stay in the first cache level.
//
// Weights are exp(score - top). Any top serves that is not too far from the largest score, for all that follows are
// floating-point numbers: the largest score of the first 32 keys is taken, and nobody looks at the others. Where a
// later score lies so far above that the sum of weights is large (kMostSum), the task is done again with tops that are
// the largest of all scores (attend_exactly).
//
// While tiles multiply, vectors have one of their two units; while they do not, both. Exponentials take more than the
// products, so some are made beside them and the rest by themselves: half the weights of unit u beside the product of
// unit u - 1 with the values and then the scores of unit u + 1, which take the place of the weights of u - 1. What will
// be read and written soon is asked for on the way: a head's rows are far apart, and nothing else would fetch them in
// time (Ahead).

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// Where a task's pieces lie in its thread's scratch, in bytes; each begins on a cache line.
struct Layout {
  std::size_t head_dim;
  std::size_t chunks, chunk_keys;  // of keys: how many, and how long all but the last are
  std::size_t score_row;           // scores of a query: lines of cache, an odd number of them
  std::size_t packed_keys, packed_values, queries, scores[2], mixed, total;

  explicit Layout(const AttentionShape& shape) : head_dim(static_cast<std::size_t>(shape.head_dim)) {
    const std::size_t keys = static_cast<std::size_t>(shape.keys);
    const std::size_t least = (keys + kMostKeys - 1) / kMostKeys;
    chunk_keys = round_up((keys + least - 1) / least, kDepth);
    chunks = (keys + chunk_keys - 1) / chunk_keys;
    score_row = chunk_keys + kLanes;
    std::size_t end = 0;
    const auto place = [&](std::size_t bytes) { return std::exchange(end, end + round_up(bytes, kLineBytes)); };
    packed_keys = place(sizeof(std::uint16_t) * chunks * chunk_values());
    packed_values = place(sizeof(std::uint16_t) * chunks * chunk_values());
    queries = place(sizeof(std::uint16_t) * kQueries * head_dim);
    for (std::size_t& one : scores) one = place(sizeof(float) * kQueries * score_row);
    mixed = place(sizeof(float) * kQueries * head_dim);
    total = end;
  }

  std::size_t chunk_values() const { return chunk_keys * head_dim; }  // of packed keys, or packed values
};

// Weights up to which results keep to the range of f32, by far.
constexpr float kMostSum = 0x1p60F;

struct Task {
  const std::uint16_t* q;  // first query
  const std::uint16_t* k;
  const std::uint16_t* v;
  AttentionOut out;
  std::size_t first_out;  // where the first query's result begins, in values
  std::size_t first_channel;
  std::size_t queries;
};

// One task's way through its units.
class Head {
 public:
  Head(const AttentionShape& shape, const Layout& at, std::byte* scratch, const Task& task, Ahead& ahead)
      : shape_(shape),
        at_(at),
        task_(task),
        ahead_(ahead),
        keys_(static_cast<std::size_t>(shape.keys)),
        packed_keys_(reinterpret_cast<std::uint16_t*>(scratch + at.packed_keys)),
        packed_values_(reinterpret_cast<std::uint16_t*>(scratch + at.packed_values)),
        queries_(reinterpret_cast<std::uint16_t*>(scratch + at.queries)),
        scores_{reinterpret_cast<float*>(scratch + at.scores[0]), reinterpret_cast<float*>(scratch + at.scores[1])},
        mixed_(reinterpret_cast<float*>(scratch + at.mixed)) {}

  DFA_AMX void attend() {
    pack();
    attend_by_guess();
    if (!sums_fit_) attend_exactly();
  }

 private:
  // Unit i - 1 is mixed and unit i + 1 scored while unit i is weighed.
  DFA_AMX void attend_by_guess() {
    const std::size_t units = at_.chunks * blocks();
    const std::size_t rows = (std::max(keys_, task_.queries) + units - 1) / units;
    Nothing nothing;
    Unit before, now, next = unit(0);
    load_queries(0);
    score(next, nothing);
    for (std::size_t i = 0; i < units; ++i) {
      before = std::exchange(now, next);
      if (now.last) load_queries(now.block->first_query + kQueries);
      if (now.first()) guess_tops(now);
      Weighing weighing(now);
      ahead_.ask(rows);
      if (i > 0) mix(before, weighing);
      if (i + 1 < units) score(next = unit(i + 1), weighing);
      weighing.finish();
      if (i > 0 && before.last) store(*before.block);
    }
    mix(now, nothing);
    store(*now.block);
  }

  // One thing after the other: this is rare.
  DFA_AMX void attend_exactly() {
    Nothing nothing;
    for (std::size_t block = 0; block < blocks(); ++block) {
      load_queries(block * kQueries);
      for (std::size_t chunk = 0; chunk < at_.chunks; ++chunk) {
        const Unit now = unit(block * at_.chunks + chunk);
        score(now, nothing);
        if (now.first()) guess_tops(now);
        raise_tops(now);
      }
      for (std::size_t chunk = 0; chunk < at_.chunks; ++chunk) {
        const Unit now = unit(block * at_.chunks + chunk);
        score(now, nothing);
        Weighing(now).finish();
        mix(now, nothing);
        if (now.last) store(*now.block);
      }
    }
  }

  std::size_t blocks() const { return (task_.queries + kQueries - 1) / kQueries; }

  DFA_AMX void pack() {
    for (std::size_t chunk = 0; chunk < at_.chunks; ++chunk) {
      const std::size_t first = chunk * at_.chunk_keys;
      const std::size_t count = std::min(at_.chunk_keys, keys_ - first);
      const std::size_t to = chunk * at_.chunk_values();
      pack_transposed({task_.k + first * shape_.kv.row, shape_.kv.row, count}, at_.chunk_keys, at_.head_dim,
                      packed_keys_ + to);
      pack_pairs({task_.v + first * shape_.kv.row, shape_.kv.row, count}, at_.chunk_keys, at_.head_dim,
                 packed_values_ + to);
    }
  }

  Unit unit(std::size_t index) {
    const std::size_t row = index / at_.chunks, chunk = index % at_.chunks;
    Block& block = blocks_[row % 3];
    if (chunk == 0) {
      block.first_query = row * kQueries;
      block.count = std::min(kQueries, task_.queries - block.first_query);
    }
    return {&block,
            chunk,
            std::min(at_.chunk_keys, keys_ - chunk * at_.chunk_keys),
            chunk + 1 == at_.chunks,
            scores_[index % 2],
            at_.score_row};
  }

  std::size_t depth() const { return at_.head_dim / kDepth; }
  long score_bytes() const { return static_cast<long>(at_.score_row * sizeof(float)); }

  // scores (32, keys) = q k^T
  template <class Beside>
  DFA_AMX void score(const Unit& unit, Beside& beside) {
    order_memory();
    multiply<From::zero>({.a = queries_,
                          .a_bytes = static_cast<long>(at_.head_dim * sizeof(std::uint16_t)),
                          .b = packed_keys_ + unit.chunk * at_.chunk_values(),
                          .column = depth(),
                          .steps = depth(),
                          .pairs = unit.pairs(),
                          .c = unit.scores,
                          .c_bytes = score_bytes()},
                         beside);
    order_memory();
    hide_missing(unit);
  }

  // mixed (32, head_dim) = or += weights v
  template <class Beside>
  DFA_AMX void mix(const Unit& unit, Beside& beside) {
    order_memory();
    const Product product{.a = unit.weights(),
                          .a_bytes = score_bytes(),
                          .b = packed_values_ + unit.chunk * at_.chunk_values(),
                          .column = at_.chunk_keys / kDepth,
                          .steps = unit.pairs(),
                          .pairs = depth(),
                          .c = mixed_,
                          .c_bytes = static_cast<long>(at_.head_dim * sizeof(float))};
    if (unit.first())
      multiply<From::zero>(product, beside);
    else
      multiply<From::what_is_there>(product, beside);
    order_memory();
  }

  // A block of queries, beside each other; those after it are asked for.
  DFA_AMX void load_queries(std::size_t first) {
    if (first >= task_.queries) return;
    const std::uint16_t* q = task_.q + first * shape_.q.row;
    const std::size_t left = task_.queries - first;
    for (std::size_t i = 0; i < std::min(kQueries, left); ++i) {
      for (std::size_t j = 0; j < at_.head_dim; j += kDepth)
        _mm512_store_si512(queries_ + i * at_.head_dim + j, _mm512_loadu_si512(q + i * shape_.q.row + j));
    }
  }

  std::size_t place_of(const Block& block, std::size_t query) const {
    return task_.first_out + (block.first_query + query) * shape_.out.row;
  }

  DFA_AMX void store(const Block& block) {
    alignas(kLineBytes) float factors[kQueries];
    for (std::size_t i = 0; i < kQueries; i += kRows) {
      const __m512 sums = sums_of_rows(block.sums + i);
      const auto there = static_cast<__mmask32>((std::uint64_t{1} << block.count) - 1);
      const __mmask16 large = _mm512_cmp_ps_mask(sums, _mm512_set1_ps(kMostSum), _CMP_GT_OQ);
      if ((large & static_cast<__mmask16>(there >> i)) != 0) sums_fit_ = false;
      _mm512_store_ps(factors + i, _mm512_div_ps(_mm512_set1_ps(1.0F), sums));
    }
    for (std::size_t i = 0; i < block.count; ++i)
      store_row(mixed_ + i * at_.head_dim, at_.head_dim, factors[i], task_.out, place_of(block, i),
                task_.first_channel);
  }

  const AttentionShape& shape_;
  const Layout& at_;
  const Task& task_;
  Ahead& ahead_;
  std::size_t keys_;
  bool sums_fit_ = true;
  std::uint16_t *packed_keys_, *packed_values_, *queries_;
  float* scores_[2];
  float* mixed_;
  Block blocks_[3];
};

}  // namespace dfa::tiles
