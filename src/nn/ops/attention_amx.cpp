#include "nn/ops/attention_amx.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "nn/isa.hpp"

// Instruction sets of one function at a time: nothing else of the program may contain them.
#define DFA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))

namespace dfa {
namespace {

// Note [Attention on tiles]
// A tile register holds 16 rows of 64 bytes. One instruction multiplies A (16 x 32 bf16) with B (32 x 16 bf16, stored
// as 16 rows of 16 pairs: value 2r and 2r + 1 of column n lie together) and adds to C (16 x 16 f32). One task is an
// image, a head and a range of queries. It packs the head's keys and values as such B tiles once; then for 32 queries
// at a time the scores of all keys (32 x K f32), row by row their softmax as bf16, and the product with the values. For
// 1029 keys of 128 values all of it is 0.8 MB: the second cache level. The square of scores is never in memory.
constexpr std::size_t kRows = 16;              // of a tile
constexpr std::size_t kDepth = 32;             // values of a row of A
constexpr std::size_t kQueries = 32;           // a block of queries: two tiles
constexpr std::size_t kKeys = 32;              // keys are padded to this
constexpr std::size_t kTile = kRows * kDepth;  // bf16 values of a B tile
constexpr int kTileBytes = 64;                 // of a row

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// Where a task's pieces lie in its thread's scratch, in bytes; each begins on a cache line.
struct Layout {
  std::size_t head_dim, keys;  // keys padded
  std::size_t packed_keys, packed_values, queries, scores, weights, mixed, total;

  explicit Layout(const AttentionShape& shape)
      : head_dim(static_cast<std::size_t>(shape.head_dim)),
        keys(round_up(static_cast<std::size_t>(shape.keys), kKeys)) {
    packed_keys = 0;
    packed_values = packed_keys + 2 * keys * head_dim;
    queries = packed_values + 2 * keys * head_dim;
    scores = queries + 2 * kQueries * head_dim;
    weights = scores + 4 * kQueries * keys;
    mixed = weights + 2 * kQueries * keys;
    total = round_up(mixed + 4 * kQueries * head_dim, 64);
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

// Tiles 0 to 3 are C, 4 and 5 A, 6 and 7 B: all of 16 rows of 64 bytes.
DFA_AMX void configure_tiles() {
  struct alignas(64) Config {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = kTileBytes;
    config.rows[tile] = kRows;
  }
  _tile_loadconfig(&config);
}

// rows[i] lane j -> rows[j] lane i
DFA_AMX inline void transpose_16x16(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

// B tiles of k^T, tile (key / 16, depth / 32): row r holds the pair 2r, 2r + 1 of each of 16 keys. Keys that are not
// there are zeros.
DFA_AMX void pack_keys(const Task& task, std::size_t row, std::size_t keys, const Layout& at, std::uint16_t* packed) {
  for (std::size_t key = 0; key < at.keys; key += kRows) {
    for (std::size_t depth = 0; depth < at.head_dim; depth += kDepth) {
      __m512i rows[kRows];
      for (std::size_t i = 0; i < kRows; ++i)
        rows[i] = key + i < keys ? _mm512_loadu_si512(task.k + (key + i) * row + depth) : _mm512_setzero_si512();
      transpose_16x16(rows);
      for (std::size_t i = 0; i < kRows; ++i) _mm512_storeu_si512(packed + i * kDepth, rows[i]);
      packed += kTile;
    }
  }
}

// B tiles of v, tile (column / 16, key / 32): row r holds keys 2r and 2r + 1 of each of 16 columns.
DFA_AMX void pack_values(const Task& task, std::size_t row, std::size_t keys, const Layout& at, std::uint16_t* packed) {
  // Low halves of both rows, then high halves: [a0 b0 a1 b1 ...] of 16 columns.
  alignas(64) std::uint16_t order[32];
  for (std::uint16_t i = 0; i < 16; ++i) {
    order[2 * i] = i;
    order[2 * i + 1] = static_cast<std::uint16_t>(32 + i);
  }
  const __m512i interleave = _mm512_load_si512(order);
  for (std::size_t column = 0; column < at.head_dim; column += kRows) {
    for (std::size_t key = 0; key < at.keys; key += 2) {
      const std::uint16_t* at_key = task.v + key * row + column;
      const __m256i zero = _mm256_setzero_si256();
      const __m256i even = key < keys ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at_key)) : zero;
      const __m256i odd = key + 1 < keys ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at_key + row)) : zero;
      const __m512i pairs =
          _mm512_permutex2var_epi16(_mm512_castsi256_si512(even), interleave, _mm512_castsi256_si512(odd));
      _mm512_storeu_si512(packed, pairs);
      packed += kDepth;
    }
  }
}

// c (32, 32) = a (32, 32 tiles) b, where b is two columns of B tiles: left and right. Strides in values.
DFA_AMX inline void multiply(const std::uint16_t* a, std::size_t a_stride, const std::uint16_t* left,
                             const std::uint16_t* right, std::size_t tiles, float* c, std::size_t c_stride) {
  const long a_bytes = static_cast<long>(2 * a_stride);
  const long c_bytes = static_cast<long>(4 * c_stride);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    _tile_loadd(4, a + tile * kDepth, a_bytes);
    _tile_loadd(5, a + kRows * a_stride + tile * kDepth, a_bytes);
    _tile_loadd(6, left + tile * kTile, kTileBytes);
    _tile_loadd(7, right + tile * kTile, kTileBytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c + kRows, c_bytes);
  _tile_stored(2, c + kRows * c_stride, c_bytes);
  _tile_stored(3, c + kRows * c_stride + kRows, c_bytes);
}

// c (32, columns) = a (32, depth) b, b packed as B tiles: all tiles of 16 columns, then those of the next 16.
DFA_AMX void multiply_packed(const std::uint16_t* a, std::size_t depth, const std::uint16_t* b, std::size_t columns,
                             float* c) {
  const std::size_t tiles = depth / kDepth;
  for (std::size_t column = 0; column < columns; column += 2 * kRows) {
    const std::uint16_t* left = b + column / kRows * tiles * kTile;
    multiply(a, depth, left, left + tiles * kTile, tiles, c + column, columns);
  }
}

// exp(x) for x <= 0: 2^n times the Taylor series of the rest to r^5, whose remainder r^6 / 720 is at most 2.5e-6 of the
// value; bf16 keeps 4e-3.
DFA_AMX inline __m512 exp_of_nonpositive(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
  const __m512 r =
      _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x));
  __m512 series = _mm512_fmadd_ps(r, _mm512_set1_ps(1.0F / 120.0F), _mm512_set1_ps(1.0F / 24.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 6.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(0.5F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(series, n);
}

// weights = exp(scores - largest) as bf16, zero for the padding; returns 1 / sum.
DFA_AMX float soften(float* scores, std::size_t keys, std::size_t padded, std::uint16_t* weights) {
  // Padding must neither win the maximum nor weigh anything: exp(-inf) is 0.
  for (std::size_t i = keys; i < padded; ++i) scores[i] = -__builtin_inff();
  __m512 largest = _mm512_loadu_ps(scores);
  for (std::size_t i = 16; i < padded; i += 16) largest = _mm512_max_ps(largest, _mm512_loadu_ps(scores + i));
  const __m512 shift = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  __m512 sums = _mm512_setzero_ps();
  for (std::size_t i = 0; i < padded; i += 16) {
    const __m512 weight = exp_of_nonpositive(_mm512_sub_ps(_mm512_loadu_ps(scores + i), shift));
    sums = _mm512_add_ps(sums, weight);
    const __m256bh narrow = _mm512_cvtneps_pbh(weight);
    std::memcpy(weights + i, &narrow, sizeof narrow);
  }
  return 1.0F / _mm512_reduce_add_ps(sums);
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

DFA_AMX void attend_head(const AttentionShape& shape, const Task& task, std::byte* scratch) {
  const Layout at(shape);
  const std::size_t keys = static_cast<std::size_t>(shape.keys);
  auto* packed_keys = reinterpret_cast<std::uint16_t*>(scratch + at.packed_keys);
  auto* packed_values = reinterpret_cast<std::uint16_t*>(scratch + at.packed_values);
  auto* queries = reinterpret_cast<std::uint16_t*>(scratch + at.queries);
  auto* scores = reinterpret_cast<float*>(scratch + at.scores);
  auto* weights = reinterpret_cast<std::uint16_t*>(scratch + at.weights);
  auto* mixed = reinterpret_cast<float*>(scratch + at.mixed);
  configure_tiles();
  pack_keys(task, shape.kv.row, keys, at, packed_keys);
  pack_values(task, shape.kv.row, keys, at, packed_values);
  for (std::size_t first = 0; first < task.queries; first += kQueries) {
    const std::size_t count = std::min(kQueries, task.queries - first);
    for (std::size_t i = 0; i < count; ++i)
      std::memcpy(queries + i * at.head_dim, task.q + (first + i) * shape.q.row, 2 * at.head_dim);
    std::memset(queries + count * at.head_dim, 0, 2 * (kQueries - count) * at.head_dim);
    multiply_packed(queries, at.head_dim, packed_keys, at.keys, scores);
    float factors[kQueries];
    for (std::size_t i = 0; i < kQueries; ++i)
      factors[i] = soften(scores + i * at.keys, keys, at.keys, weights + i * at.keys);
    multiply_packed(weights, at.keys, packed_values, at.head_dim, mixed);
    for (std::size_t i = 0; i < count; ++i)
      store_row(mixed + i * at.head_dim, at.head_dim, factors[i], task.out,
                task.first_out + (first + i) * shape.out.row, task.first_channel);
  }
  _tile_release();
}

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

}  // namespace

bool has_amx() {
  static const bool usable = effective_isa() == "avx512_core_amx" && may_use_tiles();
  return usable;
}

bool fits_amx(const AttentionShape& shape) {
  return shape.head_dim > 0 && static_cast<std::size_t>(shape.head_dim) % kDepth == 0;
}

std::size_t attention_amx_scratch(const AttentionShape& shape, int threads) {
  return Layout(shape).total / sizeof(float) * static_cast<std::size_t>(threads);
}

void attention_amx(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                   const AttentionOut& out, float* scratch, int threads) {
  const std::size_t queries = static_cast<std::size_t>(shape.queries);
  const int heads = shape.images * shape.heads;
  // Enough tasks that threads finish together; each task packs its head's keys again, so no more than that.
  constexpr int kTasksPerThread = 4;
  const int blocks = static_cast<int>((queries + kQueries - 1) / kQueries);
  const int groups = threads == 1 ? 1 : std::clamp((kTasksPerThread * threads + heads - 1) / heads, 1, blocks);
  const std::size_t group_queries =
      round_up((queries + static_cast<std::size_t>(groups) - 1) / static_cast<std::size_t>(groups), kQueries);
  const std::size_t thread_scratch = attention_amx_scratch(shape, 1);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int index = 0; index < heads * groups; ++index) {
    const std::size_t first = static_cast<std::size_t>(index % groups) * group_queries;
    if (first >= queries) continue;
    const std::size_t head =
        static_cast<std::size_t>(index / groups % shape.heads) * static_cast<std::size_t>(shape.head_dim);
    const std::size_t image = static_cast<std::size_t>(index / groups / shape.heads);
    const std::size_t kv = image * shape.kv.image + head;
    float* mine = scratch + static_cast<std::size_t>(omp_get_thread_num()) * thread_scratch;
    attend_head(
        shape,
        {q + image * shape.q.image + first * shape.q.row + head, k + kv, v + kv, out,
         image * shape.out.image + first * shape.out.row + head, head, std::min(group_queries, queries - first)},
        reinterpret_cast<std::byte*>(mine));
  }
}

}  // namespace dfa
