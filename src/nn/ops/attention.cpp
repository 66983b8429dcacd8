#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target: the part below is compiled once for each instruction set.
#include <hwy/highway.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "nn/ops/attention.hpp"
#include "nn/ops/narrow-inl.hpp"
#include "tensorfile/float_bits.hpp"

#ifndef DFA_ATTENTION_SHARED
#define DFA_ATTENTION_SHARED
namespace dfa {

// Note [Attention tiles]
// One task is an image, a head and a range of queries. It packs the head's keys transposed, in panels of kTileColumns
// vectors, and the values as dense rows: both then stay in the second-level cache (1029 keys of 128: 1 MB). Queries are
// taken kQueryBlock at a time, keys kKeyBlock at a time: the scores of one such tile (24 x 256 floats) are written to
// scratch in the first two cache levels, turned into weights there, and multiplied with the values. For every query the
// running maximum m, the sum l of exp(score - m) and the unnormalised output are kept; when a later tile raises m, l
// and the output are scaled by exp(old - new).
constexpr std::size_t kQueryBlock = 24;  // a multiple of kTileRows
constexpr std::size_t kKeyBlock = 256;   // a wish: the real one lies between 2/3 and 3/2 of it
constexpr std::size_t kKeyAlign = 64;    // the widest panel of any instruction set
constexpr std::size_t kMostLanes = 16;

inline std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// How the keys of one head are cut.
struct KeyBlocks {
  std::size_t keys = 0;
  std::size_t block = 0;  // keys a block, the last may have fewer

  explicit KeyBlocks(std::size_t count) : keys(count) {
    const std::size_t blocks = std::max<std::size_t>(1, (count + kKeyBlock / 2) / kKeyBlock);
    block = round_up((count + blocks - 1) / blocks, kKeyAlign);
  }
};

// Where a task's pieces lie in its thread's scratch, in floats.
struct ScratchLayout {
  std::size_t wide, keys_t, values, queries, scores, mixed, total;
  std::size_t value_stride;  // head_dim, rounded up to whole vectors
  std::size_t score_stride;

  ScratchLayout(const AttentionShape& shape, const KeyBlocks& blocks) {
    const std::size_t head_dim = static_cast<std::size_t>(shape.head_dim);
    const std::size_t padded_keys = round_up(blocks.keys, kKeyAlign);
    value_stride = round_up(head_dim, kMostLanes);
    score_stride = blocks.block;
    wide = 0;  // the head's keys as f32, where they come as bf16
    keys_t = round_up(blocks.keys * head_dim, kMostLanes);
    values = keys_t + padded_keys * head_dim;
    queries = values + padded_keys * value_stride;
    scores = queries + round_up(kQueryBlock * head_dim, kMostLanes);
    mixed = scores + kQueryBlock * score_stride;
    total = mixed + kQueryBlock * value_stride;
    values = round_up(values, kMostLanes);
    total = round_up(total, kMostLanes);
  }
};

// One task's part of the operands.
template <class Value>  // float, or std::uint16_t for bf16
struct HeadTask {
  const Value* q;  // first query of the task
  const Value* k;
  const Value* v;
  AttentionOut out;
  std::size_t first_out;  // where the first query's result begins, in values
  std::size_t first_channel;
  std::size_t queries;
};

}  // namespace dfa
#endif  // DFA_ATTENTION_SHARED

HWY_BEFORE_NAMESPACE();
namespace dfa::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Tile of sums kept in registers: 6 x 4 of the 32 registers of AVX-512, 6 x 2 of the 16 elsewhere.
constexpr std::size_t kTileRows = 6;
#if HWY_TARGET <= HWY_AVX3
constexpr std::size_t kTileColumns = 4;
#else
constexpr std::size_t kTileColumns = 2;
#endif

enum class Sum { begin, add_to };

// c (kTileRows, kColumns vectors) = or += a (kTileRows, depth) b (depth, kColumns vectors)
template <std::size_t kColumns, Sum kSum>
HWY_INLINE void multiply_tile(std::size_t depth, const float* HWY_RESTRICT a, std::size_t a_stride,
                              const float* HWY_RESTRICT b, std::size_t b_stride, float* HWY_RESTRICT c,
                              std::size_t c_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kTileRows][kColumns];
  for (std::size_t r = 0; r < kTileRows; ++r) {
    for (std::size_t j = 0; j < kColumns; ++j) {
      sums[r][j] = kSum == Sum::begin ? hn::Zero(d) : hn::LoadU(d, c + r * c_stride + j * lanes);
    }
  }
  for (std::size_t i = 0; i < depth; ++i) {
    V row[kColumns];
    for (std::size_t j = 0; j < kColumns; ++j) row[j] = hn::LoadU(d, b + i * b_stride + j * lanes);
    for (std::size_t r = 0; r < kTileRows; ++r) {
      const V value = hn::Set(d, a[r * a_stride + i]);
      for (std::size_t j = 0; j < kColumns; ++j) sums[r][j] = hn::MulAdd(value, row[j], sums[r][j]);
    }
  }
  for (std::size_t r = 0; r < kTileRows; ++r) {
    for (std::size_t j = 0; j < kColumns; ++j) hn::StoreU(sums[r][j], d, c + r * c_stride + j * lanes);
  }
}

// A tile of `vectors` columns, 1 to kTileColumns.
template <Sum kSum>
HWY_INLINE void multiply_columns(std::size_t vectors, std::size_t depth, const float* a, std::size_t a_stride,
                                 const float* b, std::size_t b_stride, float* c, std::size_t c_stride) {
  if (vectors == 1) return multiply_tile<1, kSum>(depth, a, a_stride, b, b_stride, c, c_stride);
  if (vectors == 2) return multiply_tile<2, kSum>(depth, a, a_stride, b, b_stride, c, c_stride);
#if HWY_TARGET <= HWY_AVX3
  if (vectors == 3) return multiply_tile<3, kSum>(depth, a, a_stride, b, b_stride, c, c_stride);
  multiply_tile<4, kSum>(depth, a, a_stride, b, b_stride, c, c_stride);
#endif
}

// out[i * stride + t] = in[t * in_stride + i] for 4 x 4 values
#if HWY_TARGET == HWY_SCALAR
void transpose_4x4(const float* in, std::size_t in_stride, float* out, std::size_t stride) {
  for (std::size_t t = 0; t < 4; ++t) {
    for (std::size_t i = 0; i < 4; ++i) out[i * stride + t] = in[t * in_stride + i];
  }
}
#else
HWY_INLINE void transpose_4x4(const float* in, std::size_t in_stride, float* out, std::size_t stride) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> pairs;
  const auto r0 = hn::LoadU(d, in);
  const auto r1 = hn::LoadU(d, in + in_stride);
  const auto r2 = hn::LoadU(d, in + 2 * in_stride);
  const auto r3 = hn::LoadU(d, in + 3 * in_stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, out + 2 * stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, out + 3 * stride);
}
#endif

// One panel: out (head_dim, width) = the transpose of `keys` rows of k; missing columns are 0.
void pack_panel(const float* k, std::size_t row, std::size_t keys, std::size_t head_dim, std::size_t width,
                float* out) {
  std::size_t t = 0;
  for (; t + 4 <= keys; t += 4) {
    std::size_t i = 0;
    for (; i + 4 <= head_dim; i += 4) transpose_4x4(k + t * row + i, row, out + i * width + t, width);
    for (; i < head_dim; ++i) {
      for (std::size_t j = 0; j < 4; ++j) out[i * width + t + j] = k[(t + j) * row + i];
    }
  }
  for (; t < width; ++t) {
    for (std::size_t i = 0; i < head_dim; ++i) out[i * width + t] = t < keys ? k[t * row + i] : 0.0F;
  }
}

// Panels of kTileColumns vectors; the last one is as many vectors wide as it needs. A panel begins at its first key *
// head_dim.
void pack_keys(const float* k, std::size_t row, std::size_t keys, std::size_t head_dim, float* out) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t panel = kTileColumns * lanes;
  for (std::size_t t = 0; t < keys; t += panel) {
    const std::size_t count = std::min(panel, keys - t);
    pack_panel(k + t * row, row, count, head_dim, round_up(count, lanes), out + t * head_dim);
  }
}

void widen(const float* in, std::size_t count, float* out) {
  std::memcpy(out, in, count * sizeof(float));
}

void widen(const std::uint16_t* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = f32_from_bf16(in[i]);
}

// A query's result, `at` values behind the beginning.
void store_result(const float* in, std::size_t count, const AttentionOut& out, std::size_t at, std::size_t channel) {
  switch (out.element) {
    case Element::f32:
      return narrow::store_row(in, count, narrow::ToWide(), reinterpret_cast<float*>(out.values) + at);
    case Element::bf16:
      return narrow::store_row(in, count, narrow::ToBf16(), reinterpret_cast<std::uint16_t*>(out.values) + at);
    case Element::u8:
      narrow::store_row(in, count, narrow::ToCodes{out.codes->multipliers.data() + channel, out.codes->zero_point},
                        reinterpret_cast<std::uint8_t*>(out.values) + at);
  }
}

// The keys as f32 rows `row` apart: where they are, or in scratch.
const float* wide_keys(const float* k, std::size_t& row, std::size_t, std::size_t, float*) {
  (void)row;
  return k;
}

const float* wide_keys(const std::uint16_t* k, std::size_t& row, std::size_t keys, std::size_t head_dim, float* wide) {
  for (std::size_t t = 0; t < keys; ++t) widen(k + t * row, head_dim, wide + t * head_dim);
  row = head_dim;
  return wide;
}

template <class Value>
void pack_rows(const Value* in, std::size_t row, std::size_t rows, std::size_t width, float* out, std::size_t stride) {
  for (std::size_t t = 0; t < rows; ++t) {
    widen(in + t * row, width, out + t * stride);
    std::fill(out + t * stride + width, out + (t + 1) * stride, 0.0F);
  }
}

// scores (kQueryBlock, keys) = q (kQueryBlock, head_dim) k^T for the keys of one block.
void score_block(const float* q, std::size_t rows, std::size_t head_dim, const float* keys_t, std::size_t keys,
                 float* scores, std::size_t stride) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t panel = kTileColumns * lanes;
  for (std::size_t t = 0; t < keys; t += panel) {
    const std::size_t vectors = (std::min(panel, keys - t) + lanes - 1) / lanes;
    for (std::size_t r = 0; r < rows; r += kTileRows) {
      multiply_columns<Sum::begin>(vectors, head_dim, q + r * head_dim, head_dim, keys_t + t * head_dim,
                                   vectors * lanes, scores + r * stride + t, stride);
    }
  }
}

// mixed (kQueryBlock, value_stride) += weights (kQueryBlock, keys) values (keys, value_stride)
template <Sum kSum>
void mix_block(const float* weights, std::size_t weight_stride, std::size_t rows, std::size_t keys, const float* values,
               std::size_t value_stride, float* mixed) {
  const std::size_t lanes = hn::Lanes(D());
  const std::size_t panel = kTileColumns * lanes;
  for (std::size_t i = 0; i < value_stride; i += panel) {
    const std::size_t vectors = std::min(panel, value_stride - i) / lanes;
    for (std::size_t r = 0; r < rows; r += kTileRows) {
      multiply_columns<kSum>(vectors, keys, weights + r * weight_stride, weight_stride, values + i, value_stride,
                             mixed + r * value_stride + i, value_stride);
    }
  }
}

float largest_of(const float* x, std::size_t count) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V even = hn::Set(d, std::numeric_limits<float>::lowest());
  V odd = even;
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    even = hn::Max(even, hn::LoadU(d, x + i));
    odd = hn::Max(odd, hn::LoadU(d, x + i + lanes));
  }
  float largest = hn::GetLane(hn::MaxOfLanes(d, hn::Max(even, odd)));
  for (; i < count; ++i) largest = std::max(largest, x[i]);
  return largest;
}

// exp(x) for x <= 0. x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor series to r^6, whose remainder r^7 /
// 5040 is at most 1.2e-7 of the value: one unit in the last place. Below -87 the result stays at exp(-87): nothing
// beside a weight of 1.
HWY_INLINE V exp_of_nonpositive(V x) {
  const D d;
  const hn::RebindToSigned<D> bits;
  const V bounded = hn::Max(x, hn::Set(d, -87.0F));
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  const V shifter = hn::Set(d, 12582912.0F);
  const V shifted = hn::MulAdd(bounded, hn::Set(d, 1.44269504F), shifter);
  const V n = hn::Sub(shifted, shifter);
  // ln 2 in two parts: n times the first is exact.
  const V r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4F), hn::NegMulAdd(n, hn::Set(d, 0.693359375F), bounded));
  V series = hn::MulAdd(r, hn::Set(d, 1.0F / 720.0F), hn::Set(d, 1.0F / 120.0F));
  series = hn::MulAdd(series, r, hn::Set(d, 1.0F / 24.0F));
  series = hn::MulAdd(series, r, hn::Set(d, 1.0F / 6.0F));
  series = hn::MulAdd(series, r, hn::Set(d, 0.5F));
  series = hn::MulAdd(series, r, hn::Set(d, 1.0F));
  series = hn::MulAdd(series, r, hn::Set(d, 1.0F));
  // Times 2^n: n added to the exponent.
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(bits, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(bits, series), exponent));
}

// x = exp(x - shift) in place; returns the sum. `count` need not be whole vectors: what follows is written over.
float exponentials(float* x, std::size_t count, float shift) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V offset = hn::Set(d, shift);
  V sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V e = exp_of_nonpositive(hn::Sub(hn::LoadU(d, x + i), offset));
    hn::StoreU(e, d, x + i);
    sums = hn::Add(sums, e);
  }
  if (i < count) {
    const V e = exp_of_nonpositive(hn::Sub(hn::LoadU(d, x + i), offset));
    hn::StoreU(e, d, x + i);
    sums = hn::Add(sums, hn::IfThenElseZero(hn::FirstN(d, count - i), e));
  }
  return hn::GetLane(hn::SumOfLanes(d, sums));
}

void scale_row(float* x, std::size_t count, float factor) {
  const D d;
  const V scale = hn::Set(d, factor);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), scale), d, x + i);
}

// What is known of the queries of one block so far.
struct RunningSoftmax {
  float largest[kQueryBlock];
  float sum[kQueryBlock];
};

// Scores become weights; earlier sums and outputs are brought to the new maximum.
void soften_block(float* scores, std::size_t stride, std::size_t rows, std::size_t keys, bool first,
                  RunningSoftmax& state, float* mixed, std::size_t value_stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = scores + r * stride;
    const float block_largest = largest_of(row, keys);
    const float largest = first ? block_largest : std::max(state.largest[r], block_largest);
    const float sum = exponentials(row, keys, largest);
    if (first) {
      state.sum[r] = sum;
    } else {
      const float factor = std::exp(state.largest[r] - largest);
      state.sum[r] = state.sum[r] * factor + sum;
      if (factor != 1.0F) scale_row(mixed + r * value_stride, value_stride, factor);
    }
    state.largest[r] = largest;
  }
}

template <class Value>
void attend(const AttentionShape& shape, const HeadTask<Value>& task, float* scratch) {
  const std::size_t head_dim = static_cast<std::size_t>(shape.head_dim);
  const KeyBlocks blocks(static_cast<std::size_t>(shape.keys));
  const ScratchLayout at(shape, blocks);
  float* mixed = scratch + at.mixed;
  std::size_t key_row = shape.kv.row;
  const float* keys = wide_keys(task.k, key_row, blocks.keys, head_dim, scratch + at.wide);
  pack_keys(keys, key_row, blocks.keys, head_dim, scratch + at.keys_t);
  pack_rows(task.v, shape.kv.row, blocks.keys, head_dim, scratch + at.values, at.value_stride);
  RunningSoftmax state;
  for (std::size_t first_query = 0; first_query < task.queries; first_query += kQueryBlock) {
    const std::size_t queries = std::min(kQueryBlock, task.queries - first_query);
    const std::size_t rows = round_up(queries, kTileRows);
    pack_rows(task.q + first_query * shape.q.row, shape.q.row, queries, head_dim, scratch + at.queries, head_dim);
    std::fill(scratch + at.queries + queries * head_dim, scratch + at.queries + rows * head_dim, 0.0F);
    for (std::size_t key = 0; key < blocks.keys; key += blocks.block) {
      const std::size_t count = std::min(blocks.block, blocks.keys - key);
      float* scores = scratch + at.scores;
      score_block(scratch + at.queries, rows, head_dim, scratch + at.keys_t + key * head_dim, count, scores,
                  at.score_stride);
      soften_block(scores, at.score_stride, rows, count, key == 0, state, mixed, at.value_stride);
      const float* values = scratch + at.values + key * at.value_stride;
      if (key == 0) {
        mix_block<Sum::begin>(scores, at.score_stride, rows, count, values, at.value_stride, mixed);
      } else {
        mix_block<Sum::add_to>(scores, at.score_stride, rows, count, values, at.value_stride, mixed);
      }
    }
    for (std::size_t r = 0; r < queries; ++r) {
      scale_row(mixed + r * at.value_stride, at.value_stride, 1.0F / state.sum[r]);
      store_result(mixed + r * at.value_stride, head_dim, task.out, task.first_out + (first_query + r) * shape.out.row,
                   task.first_channel);
    }
  }
}

void attend_head(const AttentionShape& shape, const HeadTask<float>& task, float* scratch) {
  attend(shape, task, scratch);
}

void attend_head_bf16(const AttentionShape& shape, const HeadTask<std::uint16_t>& task, float* scratch) {
  attend(shape, task, scratch);
}

}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa {
namespace {

HWY_EXPORT(attend_head);
HWY_EXPORT(attend_head_bf16);

// Enough tasks that threads finish together; each task packs its head's keys again, so no more than that.
int query_groups(const AttentionShape& shape, int threads) {
  constexpr int kTasksPerThread = 4;
  const int heads = shape.images * shape.heads;
  const int wanted = (kTasksPerThread * threads + heads - 1) / heads;
  const int possible = static_cast<int>((static_cast<std::size_t>(shape.queries) + kQueryBlock - 1) / kQueryBlock);
  return threads == 1 ? 1 : std::clamp(wanted, 1, possible);
}

}  // namespace

std::size_t attention_scratch(const AttentionShape& shape, int threads) {
  return ScratchLayout(shape, KeyBlocks(static_cast<std::size_t>(shape.keys))).total *
         static_cast<std::size_t>(threads);
}

namespace {

// Each task by `head_kernel`.
template <class Value, class Kernel>
void share_heads(const AttentionShape& shape, Kernel head_kernel, const Value* q, const Value* k, const Value* v,
                 const AttentionOut& out, float* scratch, int threads) {
  const int groups = query_groups(shape, threads);
  const std::size_t group_queries =
      round_up((static_cast<std::size_t>(shape.queries) + groups - 1) / groups, kQueryBlock);
  const std::size_t thread_scratch = attention_scratch(shape, 1);
  const int tasks = shape.images * shape.heads * groups;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int index = 0; index < tasks; ++index) {
    const std::size_t first_query = static_cast<std::size_t>(index % groups) * group_queries;
    const std::size_t head =
        static_cast<std::size_t>(index / groups % shape.heads) * static_cast<std::size_t>(shape.head_dim);
    const std::size_t image = static_cast<std::size_t>(index / groups / shape.heads);
    const std::size_t queries = static_cast<std::size_t>(shape.queries);
    if (first_query >= queries) continue;
    const std::size_t kv = image * shape.kv.image + head;
    head_kernel(shape,
                HeadTask<Value>{q + image * shape.q.image + first_query * shape.q.row + head, k + kv, v + kv, out,
                                image * shape.out.image + first_query * shape.out.row + head, head,
                                std::min(group_queries, queries - first_query)},
                scratch + static_cast<std::size_t>(omp_get_thread_num()) * thread_scratch);
  }
}

}  // namespace

void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const AttentionOut& out,
               float* scratch, int threads) {
  share_heads(shape, HWY_DYNAMIC_DISPATCH(attend_head), q, k, v, out, scratch, threads);
}

void attention_bf16(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                    const AttentionOut& out, float* scratch, int threads) {
  share_heads(shape, HWY_DYNAMIC_DISPATCH(attend_head_bf16), q, k, v, out, scratch, threads);
}

}  // namespace dfa
#endif  // HWY_ONCE
