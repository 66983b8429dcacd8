// The part of Note [Attention on tiles] that is done beside the tiles: exponentials, and asking for memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

constexpr std::size_t kQueries = 32;  // of a unit: two tiles
constexpr std::size_t kKeys = 64;     // of a unit; the last one may have up to kMostKeys
constexpr std::size_t kMostKeys = 96;
constexpr std::size_t kKeyAlign = 32;  // keys are padded to this
constexpr std::size_t kLanes = 16;     // of a vector
constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kPairBytes = 128;  // lines come in pairs: the second level fetches a line's neighbour with it
constexpr float kLog2E = 1.44269504F;
constexpr float kLn2 = 0.693147181F;
constexpr float kReach = 40.0F;  // powers of two

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// Rows of one length.
struct ByteRows {
  const std::byte* first = nullptr;
  std::size_t stride = 0;
  std::size_t count = 0;
};

inline ByteRows rows_of(const std::uint16_t* first, std::size_t row, std::size_t count) {
  return {reinterpret_cast<const std::byte*>(first), row * sizeof(std::uint16_t), count};
}

// Asks for rows that are wanted soon, one of each kind at a step.
class Ahead {
 public:
  enum What { keys, values, queries, results, kinds };

  explicit Ahead(std::size_t head_dim) : bytes_(head_dim * sizeof(std::uint16_t)) {}

  void want(What what, const ByteRows& rows) {
    wanted_[what] = rows;
    open_ = true;
  }

  DFA_AMX void step() {
    if (!open_) return;
    open_ = false;
    for (int what = 0; what < kinds; ++what) {
      ByteRows& rows = wanted_[what];
      if (rows.count == 0) continue;
      open_ = true;
      for (std::size_t at = 0; at < bytes_; at += kPairBytes) {
        if (what == results)
          __builtin_prefetch(rows.first + at, 1);
        else
          _mm_prefetch(rows.first + at, _MM_HINT_T1);
      }
      rows.first += rows.stride;
      --rows.count;
    }
  }

 private:
  std::size_t bytes_;
  bool open_ = false;
  ByteRows wanted_[kinds];
};

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
  float tops[kQueries];                      // top * log2(e)
  float scales[kQueries];                    // what the result so far is still to be multiplied with
  std::size_t count = 0;
  bool raised = false;  // whether any scale is not 1
};

// One unit.
struct Unit {
  Block* block = nullptr;
  std::size_t keys = 0;  // that are there
  bool first = false;    // of its queries
  bool last = false;
  std::size_t first_key = 0;
  std::size_t first_query = 0;       // of the task
  float* scores = nullptr;           // (32, kMostKeys)
  std::uint16_t* weights = nullptr;  // (32, kMostKeys)
};

// A vector of scores; keys that are not there get -inf: they must neither win the maximum nor weigh anything.
DFA_AMX inline __m512 load_scores(const float* scores, std::size_t there) {
  const __mmask16 mask = static_cast<__mmask16>(there >= kLanes ? 0xffffU : (1U << there) - 1U);
  return _mm512_mask_loadu_ps(_mm512_set1_ps(-__builtin_inff()), mask, scores);
}

// A score lies above top by more than kReach: top is raised to `largest` (both times log2 e).
DFA_AMX __attribute__((noinline)) inline void raise_top(Block& block, std::size_t query, float largest) {
  const __m512 factor = power_of_two(_mm512_set1_ps(block.tops[query] - largest));
  _mm512_store_ps(block.sums[query], _mm512_mul_ps(_mm512_load_ps(block.sums[query]), factor));
  block.scales[query] *= _mm512_cvtss_f32(factor);
  block.tops[query] = largest;
  block.raised = true;
}

// The weights of one query in a unit of kVectors vectors of keys. kPart: not all keys of the last one are there.
template <std::size_t kVectors, bool kPart>
DFA_AMX inline void weigh_query(const Unit& unit, std::size_t query) {
  Block& block = *unit.block;
  const float* scores = unit.scores + query * kMostKeys;
  std::uint16_t* weights = unit.weights + query * kMostKeys;
  __m512 values[kVectors];  // scores, then weights
  for (std::size_t i = 0; i < kVectors; ++i) {
    const bool part = kPart && i + 1 == kVectors;
    values[i] = part ? load_scores(scores + i * kLanes, unit.keys - i * kLanes) : _mm512_load_ps(scores + i * kLanes);
  }
  __m512 largest = values[0];
  for (std::size_t i = 1; i < kVectors; ++i) largest = _mm512_max_ps(largest, values[i]);
  __m512 sum = _mm512_setzero_ps();
  if (unit.first) {
    block.tops[query] = kLog2E * _mm512_reduce_max_ps(largest);
  } else {
    const __m512 limit = _mm512_set1_ps((block.tops[query] + kReach) * kLn2);
    if (_mm512_cmp_ps_mask(largest, limit, _CMP_GT_OQ) != 0)
      raise_top(block, query, kLog2E * _mm512_reduce_max_ps(largest));
    sum = _mm512_load_ps(block.sums[query]);
  }
  const __m512 top = _mm512_set1_ps(block.tops[query]);
  for (__m512& value : values) value = power_of_two(_mm512_fmsub_ps(value, _mm512_set1_ps(kLog2E), top));
  // What is summed is what will be multiplied: the rounded weights. A result is then a true mean of the values.
  const __m512i one = _mm512_set1_epi32(0x3f803f80);
  __m512bh ones;
  std::memcpy(&ones, &one, sizeof ones);
  for (std::size_t i = 0; i < kVectors; i += 2) {
    const __m512 odd = i + 1 < kVectors ? values[i + 1] : _mm512_setzero_ps();
    const __m512bh narrow = _mm512_cvtne2ps_pbh(odd, values[i]);
    sum = _mm512_dpbf16_ps(sum, narrow, ones);
    std::memcpy(weights + i * kLanes, &narrow, sizeof narrow);
  }
  _mm512_store_ps(block.sums[query], sum);
}

using WeighQuery = void (*)(const Unit& unit, std::size_t query);

inline WeighQuery weigher_of(std::size_t vectors) {
  constexpr WeighQuery kWeighers[] = {weigh_query<1, true>, weigh_query<2, true>, weigh_query<3, true>,
                                      weigh_query<4, true>, weigh_query<5, true>, weigh_query<6, true>};
  return kWeighers[vectors - 1];
}

// The weights of one unit, query by query between `steps` other things.
class Weighing {
 public:
  Weighing(const Unit& unit, Ahead& ahead, std::size_t steps)
      : unit_(unit), ahead_(ahead), weigh_(weigher_of((unit.keys + kLanes - 1) / kLanes)), steps_(steps) {}

  DFA_AMX void step() {
    for (due_ += unit_.block->count; due_ >= steps_; due_ -= steps_) query();
  }
  DFA_AMX void finish() {
    while (next_ < unit_.block->count) query();
  }

 private:
  DFA_AMX void query() {
    ahead_.step();
    if (next_ == unit_.block->count) return;
    if (unit_.keys == kKeys)
      weigh_query<kKeys / kLanes, false>(unit_, next_++);
    else
      weigh_(unit_, next_++);
  }

  const Unit& unit_;
  Ahead& ahead_;
  WeighQuery weigh_;
  std::size_t steps_;
  std::size_t due_ = 0;
  std::size_t next_ = 0;
};

}  // namespace dfa::tiles
