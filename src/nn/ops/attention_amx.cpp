#include "nn/ops/attention_amx.hpp"

#include <cpuid.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "nn/isa.hpp"
#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa {
namespace {

// Note [Attention on tiles]
// A tile register holds 16 rows of 64 bytes. One instruction multiplies A (16 x 32 bf16) with B (32 x 16 bf16, stored
// as 16 rows of 16 pairs: value 2r and 2r + 1 of column n lie together) and adds to C (16 x 16 f32). One task is an
// image, a head and a range of queries. It packs the head's keys and values as such B tiles once; then queries are
// taken 32 at a time: the scores of all keys (32 x K f32), their exponentials as bf16, and the product with the values.
// For 1029 keys of 128 values all of it is 0.9 MB: the second cache level. The square of scores is never in memory.
//
// Tiles multiply beside the vector units, and exponentials cost as much as both products. So three things go on at
// once: the scores of one block of queries, the exponentials of the block before, and its product with the values as
// far as the exponentials have come. The processor finds what is independent by itself, but it looks ahead only some
// hundred instructions: a few exponentials stand behind every few products (Weighing). What the next task will read
// is fetched on the way: a head's rows are far apart, and nothing else would ask for them in time.
constexpr std::size_t kQueries = 32;    // a block of queries: two tiles
constexpr std::size_t kKeys = 32;       // keys are padded to this
constexpr std::size_t kLanes = 16;      // of a vector
constexpr std::size_t kKeyBlock = 128;  // keys whose exponentials are finished together
constexpr std::size_t kLine = 32;       // bf16 values of a cache line
constexpr std::size_t kLineBytes = 64;

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// Where a task's pieces lie in its thread's scratch, in bytes; each begins on a cache line.
struct Layout {
  std::size_t head_dim, keys;  // keys padded
  std::size_t score_row;       // an odd number of cache lines: rows do not fall upon the same ones of the first level
  std::size_t packed_keys, packed_values, queries, scores[2], weights, mixed, total;

  explicit Layout(const AttentionShape& shape)
      : head_dim(static_cast<std::size_t>(shape.head_dim)),
        keys(round_up(static_cast<std::size_t>(shape.keys), kKeys)),
        score_row(keys + kLanes) {
    packed_keys = 0;
    packed_values = packed_keys + sizeof(std::uint16_t) * keys * head_dim;
    queries = packed_values + sizeof(std::uint16_t) * keys * head_dim;
    scores[0] = queries + sizeof(std::uint16_t) * kQueries * head_dim;
    scores[1] = scores[0] + sizeof(float) * kQueries * score_row;
    weights = scores[1] + sizeof(float) * kQueries * score_row;
    mixed = weights + sizeof(std::uint16_t) * kQueries * keys;
    total = round_up(mixed + sizeof(float) * kQueries * head_dim, kLineBytes);
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

// Asks for the rows of a later task, one at each step.
class Ahead {
 public:
  Ahead(const AttentionShape& shape, const Task* task) {
    if (task == nullptr) return;
    const std::size_t keys = static_cast<std::size_t>(shape.keys);
    lines_ = static_cast<std::size_t>(shape.head_dim) / kLine;
    rows_[0] = {task->k, shape.kv.row, keys};
    rows_[1] = {task->v, shape.kv.row, keys};
    rows_[2] = {task->q, shape.q.row, std::min(task->queries, 2 * kQueries)};
  }

  DFA_AMX void step() {
    for (const tiles::Rows& rows : rows_) {
      if (next_ >= rows.count) continue;
      const std::uint16_t* row = rows.first + next_ * rows.stride;
      for (std::size_t line = 0; line < lines_; ++line) _mm_prefetch(row + line * kLine, _MM_HINT_T1);
    }
    ++next_;
  }

 private:
  tiles::Rows rows_[3] = {};
  std::size_t lines_ = 0;
  std::size_t next_ = 0;
};

// 2^t, times 2^-inf = 0. t = n + f with f in [0, 1); 2^f by the cubic that errs least: 1.1e-4 of the value, where bf16
// keeps 4e-3.
DFA_AMX inline __m512 power_of_two(__m512 t) {
  constexpr int kDown = 1;
  const __m512 f = _mm512_reduce_ps(t, kDown);
  __m512 power = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0780242756F), _mm512_set1_ps(0.22606726F));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(0.695833623F));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(0.999925196F));
  return _mm512_scalef_ps(power, t);
}

constexpr float kLog2E = 1.44269504F;

// What is known of the queries of one block.
struct Block {
  std::size_t count = 0;                        // queries
  float* scores = nullptr;                      // (32, score_row)
  alignas(64) float largest[kQueries][kLanes];  // of the scores, by lane
  alignas(64) float sums[kQueries][kLanes];     // of the weights, by lane
  float tops[kQueries];                         // largest score * log2(e)
};

// The exponentials of one block of queries, to be done in small pieces: one query and one block of keys a piece, all
// queries of a block of keys first. Weights lie in blocks of keys as well, (32, width) each.
class Weighing {
 public:
  Weighing(const Layout& at, std::size_t keys, Block& block, std::uint16_t* weights, Ahead& ahead)
      : score_row_(at.score_row),
        vectors_((keys + kLanes - 1) / kLanes),
        block_(block),
        weights_(weights),
        ahead_(ahead) {}

  std::size_t pieces() const { return block_.count * ((vectors_ * kLanes + kKeyBlock - 1) / kKeyBlock); }

  DFA_AMX void some(std::size_t pieces) {
    for (; pieces > 0 && key_ < vectors_ * kLanes; --pieces) piece();
  }
  // Everything up to the block of keys that begins with `key`.
  DFA_AMX void finish(std::size_t key) {
    while (key_ <= key && key_ < vectors_ * kLanes) piece();
  }

 private:
  DFA_AMX void piece() {
    const std::size_t vectors = std::min(kKeyBlock / kLanes, vectors_ - key_ / kLanes);
    const float* scores = block_.scores + query_ * score_row_ + key_;
    std::uint16_t* weights = weights_ + key_ * kQueries + query_ * round_up(vectors * kLanes, kKeys);
    if (vectors == kKeyBlock / kLanes)
      weigh(scores, kKeyBlock / kLanes, weights);
    else
      weigh(scores, vectors, weights);
    ahead_.step();
    if (++query_ < block_.count) return;
    query_ = 0;
    key_ += kKeyBlock;
  }

  // weights = exp(scores - top)
  DFA_AMX inline __attribute__((always_inline)) void weigh(const float* scores, std::size_t vectors,
                                                           std::uint16_t* weights) {
    const __m512 top = _mm512_set1_ps(block_.tops[query_]);
    const __m512 log2e = _mm512_set1_ps(kLog2E);
    __m512 even = _mm512_load_ps(block_.sums[query_]);
    __m512 odd = _mm512_setzero_ps();
    for (std::size_t i = 0; i < vectors; i += 2) {
      const __m512 left = power_of_two(_mm512_fmsub_ps(_mm512_load_ps(scores + i * kLanes), log2e, top));
      __m512 right = _mm512_setzero_ps();
      if (i + 1 < vectors) right = power_of_two(_mm512_fmsub_ps(_mm512_load_ps(scores + (i + 1) * kLanes), log2e, top));
      even = _mm512_add_ps(even, left);
      odd = _mm512_add_ps(odd, right);
      const __m512bh narrow = _mm512_cvtne2ps_pbh(right, left);
      std::memcpy(weights + i * kLanes, &narrow, sizeof narrow);
    }
    _mm512_store_ps(block_.sums[query_], _mm512_add_ps(even, odd));
  }

  std::size_t score_row_, vectors_;
  Block& block_;
  std::uint16_t* weights_;
  Ahead& ahead_;
  std::size_t query_ = 0;
  std::size_t key_ = 0;  // of the current block of keys
};

// Pieces of the exponentials behind each product.
struct Beside {
  Weighing* weighing;  // null: nothing to do beside
  std::size_t pieces;

  DFA_AMX void step() const {
    if (weighing != nullptr) weighing->some(pieces);
  }
};

// Keys that are not there must neither win the maximum nor weigh anything: exp(-inf) is 0.
DFA_AMX void mask_scores(Block& block, std::size_t row, std::size_t keys) {
  const std::size_t first = keys / kLanes * kLanes;
  if (first == keys) return;
  const __mmask16 missing = static_cast<__mmask16>(0xffffU << (keys - first));
  for (std::size_t i = 0; i < block.count; ++i)
    _mm512_mask_store_ps(block.scores + i * row + first, missing, _mm512_set1_ps(-__builtin_inff()));
}

template <int kAcross>
DFA_AMX inline void raise_largest(Block& block, const float* scores, std::size_t row) {
  for (std::size_t i = 0; i < block.count; ++i) {
    __m512 largest = _mm512_max_ps(_mm512_load_ps(block.largest[i]), _mm512_load_ps(scores + i * row));
    if constexpr (kAcross == 2) largest = _mm512_max_ps(largest, _mm512_load_ps(scores + i * row + kLanes));
    _mm512_store_ps(block.largest[i], largest);
  }
}

template <int kDown, int kAcross>
DFA_AMX inline void score_columns(const Layout& at, const std::uint16_t* queries, const std::uint16_t* keys,
                                  float* scores, const Beside& beside) {
  const std::size_t steps = at.head_dim / tiles::kDepth;
  tiles::clear_sums<kDown, kAcross>();
  for (std::size_t step = 0; step < steps; ++step) {
    tiles::add_product<kDown, kAcross>(queries + step * tiles::kDepth, at.head_dim, keys + step * tiles::kTile,
                                       keys + (steps + step) * tiles::kTile);
    beside.step();
  }
  tiles::store_sums<kDown, kAcross>(scores, at.score_row);
}

// The scores of a block of queries, and the largest of each query.
template <int kDown>
DFA_AMX void score_block(const Layout& at, std::size_t keys, const std::uint16_t* queries, const std::uint16_t* packed,
                         Block& block, const Beside& beside) {
  for (std::size_t i = 0; i < block.count; ++i) {
    _mm512_store_ps(block.largest[i], _mm512_set1_ps(-__builtin_inff()));
    _mm512_store_ps(block.sums[i], _mm512_setzero_ps());
  }
  for (std::size_t key = 0; key < keys; key += kKeys) {
    float* scores = block.scores + key;
    if (key + kLanes < keys)
      score_columns<kDown, 2>(at, queries, packed + key * at.head_dim, scores, beside);
    else
      score_columns<kDown, 1>(at, queries, packed + key * at.head_dim, scores, beside);
    if (key + kKeys >= keys) mask_scores(block, at.score_row, keys);
    if (key + kLanes < keys)
      raise_largest<2>(block, scores, at.score_row);
    else
      raise_largest<1>(block, scores, at.score_row);
  }
  for (std::size_t i = 0; i < block.count; ++i)
    block.tops[i] = kLog2E * _mm512_reduce_max_ps(_mm512_load_ps(block.largest[i]));
}

// mixed (32, head_dim) = weights v, block of keys by block of keys.
template <int kDown>
DFA_AMX void mix_block(const Layout& at, std::size_t keys, const std::uint16_t* weights, const std::uint16_t* packed,
                       float* mixed, Weighing& weighing, std::size_t pieces) {
  const std::size_t column = at.keys / tiles::kDepth * tiles::kTile;  // of tiles
  const Beside beside{&weighing, pieces};
  for (std::size_t key = 0; key < keys; key += kKeyBlock) {
    const std::size_t width = std::min(kKeyBlock, at.keys - key);
    weighing.finish(key);
    tiles::order_memory();
    for (std::size_t i = 0; i < at.head_dim; i += 2 * tiles::kRows) {
      if (key == 0)
        tiles::clear_sums<kDown, 2>();
      else
        tiles::load_sums<kDown, 2>(mixed + i, at.head_dim);
      const std::uint16_t* left = packed + i / tiles::kRows * column + key / tiles::kDepth * tiles::kTile;
      for (std::size_t step = 0; step < width / tiles::kDepth; ++step) {
        tiles::add_product<kDown, 2>(weights + key * kQueries + step * tiles::kDepth, width, left + step * tiles::kTile,
                                     left + column + step * tiles::kTile);
        beside.step();
      }
      tiles::store_sums<kDown, 2>(mixed + i, at.head_dim);
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
  for (std::size_t i = 0; i < head_dim; i += 16) {
    const __m512 values = _mm512_mul_ps(_mm512_loadu_ps(mixed + i), _mm512_set1_ps(factor));
    std::byte* to = out.values + (at + i) * element_size(out.element);
    if (out.element == Element::f32) {
      _mm512_storeu_ps(to, values);
    } else if (out.element == Element::bf16) {
      const __m256bh narrow = _mm512_cvtneps_pbh(values);
      std::memcpy(to, &narrow, sizeof narrow);
    } else {
      const __m128i codes = codes_of(values, out.codes->multipliers.data() + channel + i, out.codes->zero_point);
      std::memcpy(to, &codes, sizeof codes);
    }
  }
}

// The queries of a block, beside each other; the rows of the block after it are asked for.
DFA_AMX void load_queries(const AttentionShape& shape, const Task& task, std::size_t first, std::size_t count,
                          std::size_t head_dim, std::uint16_t* queries) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t* row = task.q + (first + i) * shape.q.row;
    const bool more = first + i + kQueries < task.queries;
    for (std::size_t j = 0; j < head_dim; j += kLine) {
      _mm512_store_si512(queries + i * head_dim + j, _mm512_loadu_si512(row + j));
      if (more) _mm_prefetch(row + kQueries * shape.q.row + j, _MM_HINT_T0);
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

// One task's way through its queries.
class Head {
 public:
  Head(const AttentionShape& shape, const Layout& at, std::byte* scratch, const Task& task, Ahead ahead)
      : shape_(shape),
        at_(at),
        task_(task),
        ahead_(ahead),
        keys_(static_cast<std::size_t>(shape.keys)),
        packed_keys_(reinterpret_cast<std::uint16_t*>(scratch + at.packed_keys)),
        packed_values_(reinterpret_cast<std::uint16_t*>(scratch + at.packed_values)),
        queries_(reinterpret_cast<std::uint16_t*>(scratch + at.queries)),
        weights_(reinterpret_cast<std::uint16_t*>(scratch + at.weights)),
        mixed_(reinterpret_cast<float*>(scratch + at.mixed)) {
    for (int i = 0; i < 2; ++i) blocks_[i].scores = reinterpret_cast<float*>(scratch + at.scores[i]);
  }

  DFA_AMX void attend() {
    tiles::pack_transposed({task_.k, shape_.kv.row, keys_}, at_.keys, at_.head_dim, packed_keys_);
    tiles::pack_pairs({task_.v, shape_.kv.row, keys_}, at_.keys, at_.head_dim, packed_values_);
    score(0, {nullptr, 0});
    for (std::size_t first = 0; first < task_.queries; first += kQueries) {
      Block& block = block_of(first);
      Weighing weighing(at_, keys_, block, weights_, ahead_);
      // As many steps to come as there are tiles of keys, twice: in the next block's scores and in this one's product.
      const std::size_t steps = 2 * (at_.keys / kKeys) * (at_.head_dim / tiles::kDepth);
      const std::size_t pieces = (weighing.pieces() + steps - 1) / steps;
      if (first + kQueries < task_.queries) score(first + kQueries, {&weighing, pieces});
      if (block.count > tiles::kRows)
        mix_block<2>(at_, keys_, weights_, packed_values_, mixed_, weighing, pieces);
      else
        mix_block<1>(at_, keys_, weights_, packed_values_, mixed_, weighing, pieces);
      store(first, block);
    }
  }

 private:
  Block& block_of(std::size_t first) { return blocks_[first / kQueries % 2]; }

  DFA_AMX void score(std::size_t first, const Beside& beside) {
    Block& block = block_of(first);
    block.count = std::min(kQueries, task_.queries - first);
    load_queries(shape_, task_, first, block.count, at_.head_dim, queries_);
    tiles::order_memory();
    if (block.count > tiles::kRows)
      score_block<2>(at_, keys_, queries_, packed_keys_, block, beside);
    else
      score_block<1>(at_, keys_, queries_, packed_keys_, block, beside);
  }

  DFA_AMX void store(std::size_t first, const Block& block) {
    for (std::size_t i = 0; i < block.count; ++i) {
      const float factor = 1.0F / _mm512_reduce_add_ps(_mm512_load_ps(block.sums[i]));
      store_row(mixed_ + i * at_.head_dim, at_.head_dim, factor, task_.out,
                task_.first_out + (first + i) * shape_.out.row, task_.first_channel);
    }
  }

  const AttentionShape& shape_;
  const Layout& at_;
  const Task& task_;
  Ahead ahead_;
  std::size_t keys_;
  std::uint16_t *packed_keys_, *packed_values_, *queries_, *weights_;
  float* mixed_;
  Block blocks_[2];
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
  tiles::configure();
  int index = taken.fetch_add(1);
  while (index < tasks.count()) {
    const int next = taken.fetch_add(1);
    const Task task = tasks[index];
    const Task later = next < tasks.count() ? tasks[next] : task;
    Head(shape, at, scratch, task, Ahead(shape, next < tasks.count() ? &later : nullptr)).attend();
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
  return shape.head_dim > 0 && static_cast<std::size_t>(shape.head_dim) % tiles::kDepth == 0;
}

std::size_t attention_amx_scratch(const AttentionShape& shape, int threads) {
  return (Layout(shape).total * static_cast<std::size_t>(threads) + kLineBytes) / sizeof(float);
}

void attention_amx(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                   const AttentionOut& out, float* scratch, int threads) {
  const Tasks tasks(shape, q, k, v, out, threads);
  const std::size_t thread_scratch = Layout(shape).total;
  const std::uintptr_t line = round_up(reinterpret_cast<std::uintptr_t>(scratch), kLineBytes);
  std::byte* lines = reinterpret_cast<std::byte*>(line);
  std::atomic<int> taken{0};
#pragma omp parallel num_threads(threads)
  attend_tasks(shape, tasks, taken, lines + static_cast<std::size_t>(omp_get_thread_num()) * thread_scratch);
}

}  // namespace dfa
