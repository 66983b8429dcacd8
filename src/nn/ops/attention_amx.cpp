#include "nn/ops/attention_amx.hpp"

#include <cpuid.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "nn/isa.hpp"
#include "nn/ops/attention_amx_weights.hpp"

namespace dfa {
namespace {

using namespace tiles;

// Note [Attention on tiles]
// A tile register holds 16 rows of 64 bytes. One instruction multiplies A (16 x 32 bf16) with B (32 x 16 bf16, stored
// as 16 rows of 16 pairs: value 2r and 2r + 1 of column n lie together) and adds to C (16 x 16 f32). One task is an
// image, a head and a range of queries. It packs the head's keys and values as such B tiles once (1029 keys of 128: 0.5
// MB, the second cache level), then takes 32 queries and 64 keys at a time: a unit. Its scores, its weights as bf16 and
// the 32 unnormalised results stay in the first cache level; from the second, tiles come half as fast.
//
// Weights are exp(score - top), where top is the largest score of the query's first unit. A later score above it does
// no harm until it is above by kReach: then top is raised, and the sum and the result so far are scaled.
//
// Tiles multiply beside the vector units, and exponentials cost as much as both products. So three things go on at
// once: the scores of unit u + 1, the weights of unit u, and the product of unit u - 1 with the values. The processor
// finds what is independent by itself, but it looks ahead only some hundred instructions: the weights of a query or two
// are made behind every few products (Weighing). What will be read and written soon is fetched on the way: a head's
// rows are far apart, and nothing else would ask for them in time (Ahead).
// Where a task's pieces lie in its thread's scratch, in bytes; each begins on a cache line.
struct Layout {
  std::size_t head_dim, keys;  // keys padded
  std::size_t packed_keys, packed_values, queries[2], scores[2], weights[2], mixed, total;

  explicit Layout(const AttentionShape& shape)
      : head_dim(static_cast<std::size_t>(shape.head_dim)),
        keys(round_up(static_cast<std::size_t>(shape.keys), kKeyAlign)) {
    std::size_t end = 0;
    const auto place = [&](std::size_t bytes) { return std::exchange(end, end + round_up(bytes, kLineBytes)); };
    packed_keys = place(sizeof(std::uint16_t) * keys * head_dim);
    packed_values = place(sizeof(std::uint16_t) * keys * head_dim);
    for (std::size_t& one : queries) one = place(sizeof(std::uint16_t) * kQueries * head_dim);
    for (std::size_t& one : scores) one = place(sizeof(float) * kQueries * kMostKeys);
    for (std::size_t& one : weights) one = place(sizeof(std::uint16_t) * kQueries * kMostKeys);
    mixed = place(sizeof(float) * kQueries * head_dim);
    total = end;
  }
};

struct Task {
  const std::uint16_t* q;  // first query
  const std::uint16_t* k;
  const std::uint16_t* v;
  AttentionOut out;
  std::size_t first_out;  // where the first query's result begins, in values
  std::size_t first_channel;
  std::size_t queries;
};

// scores (32, keys) = q k^T
DFA_AMX void score_unit(const Layout& at, const Unit& unit, const std::uint16_t* queries, const std::uint16_t* packed,
                        Chain& chain, Weighing* beside) {
  const std::size_t steps = at.head_dim / kDepth;
  for (std::size_t key = 0; key < unit.keys; key += 2 * kRows) {
    for (std::size_t step = 0; step < steps; ++step) {
      const std::uint16_t* left = packed + (unit.first_key + key) * at.head_dim + step * kTile;
      const Factors factors{queries + step * kDepth, at.head_dim, left, left + steps * kTile};
      if (step == 0)
        chain.begin(factors, {unit.scores + key, kMostKeys}, Chain::From::zero);
      else
        chain.add(factors);
      if (beside != nullptr) beside->step();
    }
  }
}

// mixed (32, head_dim) = or += weights v
DFA_AMX void mix_unit(const Layout& at, const Unit& unit, const std::uint16_t* packed, float* mixed, Chain& chain,
                      Weighing* beside) {
  const std::size_t steps = (unit.keys + kDepth - 1) / kDepth;
  const std::size_t column = at.keys / kDepth * kTile;  // of tiles
  const auto from = unit.first ? Chain::From::zero : Chain::From::what_is_there;
  for (std::size_t i = 0; i < at.head_dim; i += 2 * kRows) {
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t tile = unit.first_key / kDepth + step;
      const std::uint16_t* left = packed + i / kRows * column + tile * kTile;
      const Factors factors{unit.weights + step * kDepth, kMostKeys, left, left + column};
      if (step == 0)
        chain.begin(factors, {mixed + i, at.head_dim}, from);
      else
        chain.add(factors);
      if (beside != nullptr) beside->step();
    }
  }
}

DFA_AMX inline __m128i codes_of(__m512 values, const float* multipliers, int zero_point) {
  const __m512 scaled = _mm512_mul_ps(values, _mm512_loadu_ps(multipliers));
  const __m512 lowest = _mm512_set1_ps(static_cast<float>(-zero_point));
  const __m512 highest = _mm512_set1_ps(kLargestCode - static_cast<float>(zero_point));
  const __m512i code = _mm512_cvtps_epi32(_mm512_max_ps(lowest, _mm512_min_ps(scaled, highest)));
  return _mm512_cvtepi32_epi8(_mm512_add_epi32(code, _mm512_set1_epi32(zero_point)));
}

// One query's result, `at` values behind the beginning.
DFA_AMX void store_row(const float* mixed, std::size_t head_dim, float factor, const AttentionOut& out, std::size_t at,
                       std::size_t channel) {
  const __m512 scale = _mm512_set1_ps(factor);
  std::byte* to = out.values + at * element_size(out.element);
  switch (out.element) {
    case Element::f32:
      for (std::size_t i = 0; i < head_dim; i += kLanes)
        _mm512_storeu_ps(to + i * sizeof(float), _mm512_mul_ps(_mm512_load_ps(mixed + i), scale));
      return;
    case Element::bf16:
      for (std::size_t i = 0; i < head_dim; i += 2 * kLanes) {
        const __m512 low = _mm512_mul_ps(_mm512_load_ps(mixed + i), scale);
        const __m512 high = _mm512_mul_ps(_mm512_load_ps(mixed + i + kLanes), scale);
        const __m512bh narrow = _mm512_cvtne2ps_pbh(high, low);
        std::memcpy(to + i * sizeof(std::uint16_t), &narrow, sizeof narrow);
      }
      return;
    case Element::u8:
      const float* multipliers = out.codes->multipliers.data() + channel;
      for (std::size_t i = 0; i < head_dim; i += kLanes) {
        const __m512 values = _mm512_mul_ps(_mm512_load_ps(mixed + i), scale);
        const __m128i codes = codes_of(values, multipliers + i, out.codes->zero_point);
        std::memcpy(to + i, &codes, sizeof codes);
      }
  }
}

// Results and products that are no normal numbers become 0, as they do in tiles; else exponentials of scores far below
// the largest would take a hundred times as long.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(_mm_getcsr()) {
    constexpr unsigned kFlush = 0x8040;  // FTZ, DAZ
    _mm_setcsr(before_ | kFlush);
  }
  ~FlushSubnormals() { _mm_setcsr(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned before_;
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
        mixed_(reinterpret_cast<float*>(scratch + at.mixed)) {
    for (std::size_t i = 0; i < 2; ++i) {
      queries_[i] = reinterpret_cast<std::uint16_t*>(scratch + at.queries[i]);
      scores_[i] = reinterpret_cast<float*>(scratch + at.scores[i]);
      weights_[i] = reinterpret_cast<std::uint16_t*>(scratch + at.weights[i]);
    }
  }

  // Unit i + 1 is scored, unit i weighed and unit i - 1 mixed at the same time.
  DFA_AMX void attend() {
    pack_transposed({task_.k, shape_.kv.row, keys_}, at_.keys, at_.head_dim, packed_keys_);
    pack_pairs({task_.v, shape_.kv.row, keys_}, at_.keys, at_.head_dim, packed_values_);
    const std::size_t across = std::max<std::size_t>(1, (keys_ + kMostKeys - kKeys - 1) / kKeys);
    const std::size_t units = across * ((task_.queries + kQueries - 1) / kQueries);
    load_queries(0);
    Unit before, now, next = unit(0, across);
    score(next, nullptr);
    chain_.finish();
    for (std::size_t i = 0; i < units; ++i) {
      before = std::exchange(now, next);
      if (i + 1 < units) next = unit(i + 1, across);
      if (i > 0) prepare_result(before);
      Weighing weighing(now, ahead_, (i + 1 < units ? steps_of(next) : 0) + (i > 0 ? steps_of(before) : 0));
      if (i + 1 < units) score(next, &weighing);
      if (i > 0) mix(before, &weighing);
      weighing.finish();
      // The scores are stored when the second step after them comes, before the next unit's.
      if (i == 0 || steps_of(before) < 2) chain_.finish();
      if (i > 0 && before.last) store(before);
    }
    prepare_result(now);
    mix(now, nullptr);
    store(now);
  }

 private:
  Unit unit(std::size_t index, std::size_t across) {
    const std::size_t row = index / across, column = index % across;
    Block& block = blocks_[row % 3];
    if (column == 0) block.count = std::min(kQueries, task_.queries - row * kQueries);
    return {&block,
            column + 1 < across ? kKeys : keys_ - column * kKeys,
            column == 0,
            column + 1 == across,
            column * kKeys,
            row * kQueries,
            scores_[index % 2],
            weights_[index % 2]};
  }

  // Products of tiles in either half of a unit.
  std::size_t steps_of(const Unit& unit) const {
    return (unit.keys + kKeyAlign - 1) / kKeyAlign * (at_.head_dim / kDepth);
  }

  DFA_AMX void score(const Unit& unit, Weighing* beside) {
    order_memory();
    score_unit(at_, unit, queries_[unit.first_query / kQueries % 2], packed_keys_, chain_, beside);
    // Not right before they are read: tiles wait for stores that are not yet in the cache.
    if (unit.first) load_queries(unit.first_query + kQueries);
  }

  // A block of queries, beside each other; those after it are asked for.
  DFA_AMX void load_queries(std::size_t first) {
    if (first >= task_.queries) return;
    const std::uint16_t* q = task_.q + first * shape_.q.row;
    std::uint16_t* queries = queries_[first / kQueries % 2];
    const std::size_t left = task_.queries - first;
    for (std::size_t i = 0; i < std::min(kQueries, left); ++i) {
      for (std::size_t j = 0; j < at_.head_dim; j += kDepth)
        _mm512_store_si512(queries + i * at_.head_dim + j, _mm512_loadu_si512(q + i * shape_.q.row + j));
    }
    if (left > kQueries)
      ahead_.want(Ahead::queries,
                  rows_of(q + kQueries * shape_.q.row, shape_.q.row, std::min(kQueries, left - kQueries)));
  }

  DFA_AMX void mix(const Unit& unit, Weighing* beside) {
    order_memory();
    mix_unit(at_, unit, packed_values_, mixed_, chain_, beside);
  }

  // Before a unit's values are added: the result so far is brought to its tops, or its place is asked for.
  DFA_AMX void prepare_result(const Unit& unit) {
    Block& block = *unit.block;
    if (unit.first) {
      std::fill(block.scales, block.scales + kQueries, 1.0F);
      const std::size_t bytes = element_size(task_.out.element);
      ahead_.want(Ahead::results, {task_.out.values + place_of(unit, 0) * bytes, shape_.out.row * bytes, block.count});
    } else if (block.raised) {
      chain_.finish();
      for (std::size_t i = 0; i < block.count; ++i) {
        for (std::size_t j = 0; j < at_.head_dim; j += kLanes) {
          float* values = mixed_ + i * at_.head_dim + j;
          _mm512_store_ps(values, _mm512_mul_ps(_mm512_load_ps(values), _mm512_set1_ps(block.scales[i])));
        }
        block.scales[i] = 1.0F;
      }
    }
    block.raised = false;
  }

  std::size_t place_of(const Unit& unit, std::size_t query) const {
    return task_.first_out + (unit.first_query + query) * shape_.out.row;
  }

  DFA_AMX void store(const Unit& unit) {
    chain_.finish();
    for (std::size_t i = 0; i < unit.block->count; ++i) {
      const float factor = 1.0F / _mm512_reduce_add_ps(_mm512_load_ps(unit.block->sums[i]));
      store_row(mixed_ + i * at_.head_dim, at_.head_dim, factor, task_.out, place_of(unit, i), task_.first_channel);
    }
  }

  const AttentionShape& shape_;
  const Layout& at_;
  const Task& task_;
  Ahead& ahead_;
  std::size_t keys_;
  std::uint16_t *packed_keys_, *packed_values_;
  float* mixed_;
  std::uint16_t* queries_[2];
  float* scores_[2];
  std::uint16_t* weights_[2];
  Block blocks_[3];
  Chain chain_;
};

// The kernel hands out the tiles' state on request only (arch_prctl ARCH_REQ_XCOMP_PERM).
bool may_use_tiles() {
  constexpr int kRequestPermission = 0x1023;
  constexpr int kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kAmxBf16 = 1U << 22;
  constexpr unsigned kAmxTile = 1U << 24;
  if ((d & kAmxBf16) == 0 || (d & kAmxTile) == 0) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// How the work is cut: by image, head and range of queries.
class Tasks {
 public:
  Tasks(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
        const AttentionOut& out, int threads)
      : shape_(shape), q_(q), k_(k), v_(v), out_(out) {
    // Enough tasks that threads finish together; each task packs its head's keys again, so no more than that.
    constexpr int kTasksPerThread = 4;
    const std::size_t queries = static_cast<std::size_t>(shape.queries);
    const int heads = shape.images * shape.heads;
    const int blocks = static_cast<int>((queries + kQueries - 1) / kQueries);
    const int wanted = threads == 1 ? 1 : std::clamp((kTasksPerThread * threads + heads - 1) / heads, 1, blocks);
    group_ = round_up((queries + static_cast<std::size_t>(wanted) - 1) / static_cast<std::size_t>(wanted), kQueries);
    groups_ = static_cast<int>((queries + group_ - 1) / group_);
  }

  int count() const { return shape_.images * shape_.heads * groups_; }

  Task operator[](int index) const {
    const std::size_t first = static_cast<std::size_t>(index % groups_) * group_;
    const std::size_t head =
        static_cast<std::size_t>(index / groups_ % shape_.heads) * static_cast<std::size_t>(shape_.head_dim);
    const std::size_t image = static_cast<std::size_t>(index / groups_ / shape_.heads);
    const std::size_t kv = image * shape_.kv.image + head;
    return {q_ + image * shape_.q.image + first * shape_.q.row + head,
            k_ + kv,
            v_ + kv,
            out_,
            image * shape_.out.image + first * shape_.out.row + head,
            head,
            std::min(group_, static_cast<std::size_t>(shape_.queries) - first)};
  }

 private:
  const AttentionShape& shape_;
  const std::uint16_t *q_, *k_, *v_;
  AttentionOut out_;
  std::size_t group_ = 0;  // queries a task
  int groups_ = 0;
};

// One thread's share: each takes the next task while it does the one before, so that it can ask for what it will read.
DFA_AMX void attend_tasks(const AttentionShape& shape, const Tasks& tasks, std::atomic<int>& taken,
                          std::byte* scratch) {
  const Layout at(shape);
  const FlushSubnormals flush;
  configure();
  int index = taken.fetch_add(1);
  while (index < tasks.count()) {
    const int next = taken.fetch_add(1);
    const Task task = tasks[index];
    Ahead ahead(at.head_dim);
    if (next < tasks.count()) {
      const Task later = tasks[next];
      const std::size_t keys = static_cast<std::size_t>(shape.keys);
      ahead.want(Ahead::keys, rows_of(later.k, shape.kv.row, keys));
      ahead.want(Ahead::values, rows_of(later.v, shape.kv.row, keys));
    }
    Head(shape, at, scratch, task, ahead).attend();
    index = next;
  }
  _tile_release();
}

}  // namespace

bool has_amx() {
  static const bool usable = effective_isa() == "avx512_core_amx" && may_use_tiles();
  return usable;
}

bool fits_amx(const AttentionShape& shape) {
  return shape.head_dim > 0 && static_cast<std::size_t>(shape.head_dim) % kDepth == 0;
}

std::size_t attention_amx_scratch(const AttentionShape& shape, int threads) {
  return (Layout(shape).total * static_cast<std::size_t>(threads) + kLineBytes) / sizeof(float);
}

void attention_amx(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                   const AttentionOut& out, float* scratch, int threads) {
  const Tasks tasks(shape, q, k, v, out, threads);
  const std::size_t thread_scratch = Layout(shape).total;
  const std::size_t past_line = reinterpret_cast<std::uintptr_t>(scratch) % kLineBytes;
  std::byte* lines = reinterpret_cast<std::byte*>(scratch) + (kLineBytes - past_line) % kLineBytes;
  std::atomic<int> taken{0};
#pragma omp parallel num_threads(threads)
  attend_tasks(shape, tasks, taken, lines + static_cast<std::size_t>(omp_get_thread_num()) * thread_scratch);
}

}  // namespace dfa
