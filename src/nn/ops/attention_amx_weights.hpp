// The part of Note [Attention on tiles] that is done beside the tiles: what queries weigh their keys with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "nn/ops/attention_amx_rows.hpp"
#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

constexpr std::size_t kQueries = 32;   // of a unit: two tiles
constexpr std::size_t kMostKeys = 96;  // of a unit: scores of two units stay in the first cache level
constexpr std::size_t kLanes = 16;     // of a vector
constexpr float kLog2E = 1.44269504F;

// 2^t, times 2^-inf = 0. t = n + f with f in [0, 1); 2^f by the cubic that errs least: 7.5e-5 of the value, where bf16
// keeps 4e-3.
DFA_AMX inline __m512 power_of_two(__m512 t) {
  constexpr int kDown = 1;
  const __m512 f = _mm512_reduce_ps(t, kDown);
  __m512 power = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0780242756F), _mm512_set1_ps(0.22606726F));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(0.695833623F));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(0.999925196F));
  return _mm512_scalef_ps(power, t);
}

// 32 queries.
struct Block {
  alignas(64) float sums[kQueries][kLanes];  // of the weights, by lane
  alignas(64) float tops[kQueries];          // top * log2(e)
  std::size_t first_query = 0;               // of the task
  std::size_t count = 0;                     // that are there
};

// One unit. A query's weights lie where its scores were.
struct Unit {
  Block* block = nullptr;
  std::size_t chunk = 0;    // of keys
  std::size_t keys = 0;     // that are there
  bool last = false;        // of its queries
  float* scores = nullptr;  // rows of `stride`
  std::size_t stride = 0;

  bool first() const { return chunk == 0; }
  std::size_t pairs() const { return (keys + 2 * kLanes - 1) / (2 * kLanes); }  // of vectors
  std::uint16_t* weights() const { return reinterpret_cast<std::uint16_t*>(scores); }
};

// Keys that are not there get -inf: they must neither win nor weigh anything.
DFA_AMX inline void hide_missing(const Unit& unit) {
  const std::size_t last = (unit.pairs() - 1) * 2 * kLanes;
  if (unit.keys == last + 2 * kLanes) return;
  const auto there = static_cast<__mmask32>((std::uint64_t{1} << (unit.keys - last)) - 1);
  const __m512 none = _mm512_set1_ps(-__builtin_inff());
  for (std::size_t i = 0; i < unit.block->count; ++i) {
    float* scores = unit.scores + i * unit.stride + last;
    _mm512_store_ps(scores, _mm512_mask_load_ps(none, static_cast<__mmask16>(there), scores));
    _mm512_store_ps(scores + kLanes,
                    _mm512_mask_load_ps(none, static_cast<__mmask16>(there >> kLanes), scores + kLanes));
  }
}

// Lane i: the largest score, times log2(e), of query first + i, in the unit's first `pairs` pairs of vectors.
DFA_AMX inline __m512 largest_scores(const Unit& unit, std::size_t first, std::size_t pairs) {
  __m512 largest[kLanes];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) {
    const float* scores = unit.scores + (first + i) * unit.stride;
    largest[i] = _mm512_max_ps(_mm512_load_ps(scores), _mm512_load_ps(scores + kLanes));
    for (std::size_t pair = 1; pair < pairs; ++pair) {
      const float* more = scores + pair * 2 * kLanes;
      largest[i] = _mm512_max_ps(largest[i], _mm512_max_ps(_mm512_load_ps(more), _mm512_load_ps(more + kLanes)));
    }
  }
  return _mm512_mul_ps(across_rows<Largest>(largest), _mm512_set1_ps(kLog2E));
}

// Tops as a few keys give them.
DFA_AMX inline void guess_tops(const Unit& unit) {
  for (std::size_t first = 0; first < kQueries; first += kLanes)
    _mm512_store_ps(unit.block->tops + first, largest_scores(unit, first, 1));
}

// Tops are brought up to this unit's largest scores.
DFA_AMX inline void raise_tops(const Unit& unit) {
  for (std::size_t first = 0; first < kQueries; first += kLanes) {
    float* tops = unit.block->tops + first;
    _mm512_store_ps(tops, _mm512_max_ps(_mm512_load_ps(tops), largest_scores(unit, first, unit.pairs())));
  }
}

// The weights of one unit whose tops are known, a piece at a time between other things: two vectors of keys of one
// query, query by query, then the next two vectors.
class Weighing {
 public:
  explicit Weighing(const Unit& unit)
      : scores_(unit.scores),
        weights_(unit.weights()),
        stride_(unit.stride),
        block_(unit.block),
        count_(unit.block->count),
        left_(unit.pairs() * count_) {
    if (unit.first()) std::fill_n(&block_->sums[0][0], kQueries * kLanes, 0.0F);
  }

  // Behind one product of tiles. While tiles multiply, vectors have one of their two units: at every second product
  // there is as much to do as that one can.
  template <int kTurn>
  DFA_AMX void step() {
    if constexpr (kTurn % 2 == 0) piece();
  }
  DFA_AMX void finish() {
    while (left_ > 0) piece();
  }

 private:
  DFA_AMX void piece() {
    if (left_ == 0) return;
    --left_;
    const __m512 top = _mm512_set1_ps(block_->tops[query_]);
    const __m512 log2_e = _mm512_set1_ps(kLog2E);
    const float* scores = scores_ + query_ * stride_;
    const __m512 even = power_of_two(_mm512_fmsub_ps(_mm512_load_ps(scores), log2_e, top));
    const __m512 odd = power_of_two(_mm512_fmsub_ps(_mm512_load_ps(scores + kLanes), log2_e, top));
    const __m512bh narrow = _mm512_cvtne2ps_pbh(odd, even);
    _mm512_store_si512(weights_ + 2 * query_ * stride_, reinterpret_cast<__m512i>(narrow));
    // What is summed is what will be multiplied: the rounded weights. A result is then a true mean of the values.
    const __m512bh ones = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
    float* sum = block_->sums[query_];
    _mm512_store_ps(sum, _mm512_dpbf16_ps(_mm512_load_ps(sum), narrow, ones));
    if (++query_ < count_) return;
    query_ = 0;
    scores_ += 2 * kLanes;
    weights_ += 2 * kLanes;
  }

  const float* scores_;  // of the first query: the vectors that are next
  std::uint16_t* weights_;
  std::size_t stride_;
  Block* block_;
  std::size_t count_;
  std::size_t left_;  // pieces
  std::size_t query_ = 0;
};

}  // namespace dfa::tiles
