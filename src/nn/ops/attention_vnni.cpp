#include "nn/ops/attention_vnni.hpp"

#include <omp.h>

#include <cmath>
#include <limits>
#include <utility>

#include "nn/ops/attention_vnni_operands.hpp"
#include "nn/ops/codes.hpp"
#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

using namespace vnni;

constexpr float kLog2E = 1.44269504F;
constexpr float kLog2LargestWeight = 14.9996477F;                                 // of kLargestWeight
constexpr float kCubic[] = {0.99992806F, 0.69326097F, 0.24261117F, 0.05517168F};  // powers of f
constexpr float kLeastPower = -2.0F;                                              // 2^-2 is rounded to no weight at all

// Where a task's pieces lie in its thread's scratch, in bytes; each begins on a cache line.
struct Layout {
  std::size_t width;    // of a row of channels, whole vectors
  std::size_t vectors;  // of keys
  std::size_t keys, key_scales, key_bounds, values, value_inverses, value_scales, row_codes;
  std::size_t channels[4];  // factors and offsets of keys, then of queries
  std::size_t queries, scores, weights, mixed, total;

  explicit Layout(const AttentionShape& shape)
      : width(round_up(static_cast<std::size_t>(shape.head_dim), kLanes)),
        vectors((static_cast<std::size_t>(shape.keys) + kLanes - 1) / kLanes) {
    std::size_t end = 0;
    const auto place = [&](std::size_t bytes) { return std::exchange(end, end + round_up(bytes, kLineBytes)); };
    const std::size_t padded_keys = vectors * kLanes;
    keys = place(padded_keys * width);
    key_scales = place(padded_keys * sizeof(float));
    key_bounds = place(padded_keys * sizeof(float));
    values = place(padded_keys * width * sizeof(std::int16_t));
    value_inverses = place(width * sizeof(float));
    value_scales = place(width * sizeof(float));
    for (std::size_t& one : channels) one = place(width * sizeof(float));
    row_codes = place(kLanes * width);
    queries = place(kQueries * width);
    scores = place(kQueries * kMostKeys * sizeof(float));
    weights = place(kQueries * kMostKeys * sizeof(std::int16_t));
    mixed = place(kQueries * width * sizeof(float));
    total = end;
  }
};

// What is known of a block of queries so far.
struct Queries {
  std::size_t count = 0;
  float scales[kQueries];                       // of their codes, times log2 e
  std::int32_t starts[kQueries];                // what their sums begin with
  alignas(64) float largest[kQueries][kLanes];  // scores in this block of keys, over the query's scale
  float tops[kQueries];                         // largest score * log2 e
  float sums[kQueries];                         // of the weights
  float factors[kQueries];                      // what the result so far is to be multiplied with
};

// One block of keys.
struct KeyBlock {
  std::size_t vectors;
  std::size_t count;  // keys that are there
  const std::uint8_t* keys;
  const float* scales;
  const float* bounds;
  const std::int16_t* values;

  // Pairs of keys in which there is one.
  std::size_t pairs() const {
    constexpr std::size_t kPairs = kLanes / 2;  // of a vector
    return vectors % 2 == 0 ? vectors * kPairs : (vectors - 1) * kPairs + (count - (vectors - 1) * kLanes + 1) / 2;
  }
};

// act(0), ..., act(kCount - 1), the index known to the compiler: arrays stay in registers.
template <class Act, std::size_t... kIndex>
DFA_VNNI_INLINE void act_on(const Act& act, std::index_sequence<kIndex...>) {
  (act(std::integral_constant<std::size_t, kIndex>()), ...);
}
template <std::size_t kCount, class Act>
DFA_VNNI_INLINE void each(const Act& act) {
  act_on(act, std::make_index_sequence<kCount>());
}

// 32 bits in every lane.
DFA_VNNI_INLINE __m512i spread_cell(const void* from) {
  std::int32_t cell = 0;
  std::memcpy(&cell, from, sizeof cell);
  return _mm512_set1_epi32(cell);
}

// scores (kTileRows, kVectors vectors) of the queries from `first` on. Sum i is that of row i / kVectors.
template <std::size_t kVectors>
DFA_VNNI void score_tile(const Layout& at, const std::int8_t* codes, Queries& queries, std::size_t first,
                         const KeyBlock& block, std::size_t vector, std::size_t steps, float* scores) {
  constexpr std::size_t kSums = kTileRows * kVectors;
  __m512i sums[kSums];
  each<kSums>([&](auto i) DFA_VNNI_LAMBDA { sums[i] = _mm512_set1_epi32(queries.starts[first + i / kVectors]); });
  const std::size_t apart = at.width * kLanes;  // of vectors of keys
  const std::uint8_t* keys = block.keys + vector * apart;
  const std::int8_t* row = codes + first * at.width;
  for (std::size_t step = 0; step < steps; ++step, keys += kLineBytes, row += kCell) {
    __m512i lines[kVectors];
    each<kVectors>([&](auto j) DFA_VNNI_LAMBDA { lines[j] = _mm512_load_si512(keys + j * apart); });
    each<kTileRows>([&](auto r) DFA_VNNI_LAMBDA {
      const __m512i spread = spread_cell(row + r * at.width);
      each<kVectors>([&](auto j) DFA_VNNI_LAMBDA {
        sums[r * kVectors + j] = _mm512_dpbusd_epi32(sums[r * kVectors + j], lines[j], spread);
      });
    });
  }
  float* to = scores + first * kMostKeys + vector * kLanes;
  const float* scales = block.scales + vector * kLanes;
  const float* bounds = block.bounds + vector * kLanes;
  each<kTileRows>([&](auto r) DFA_VNNI_LAMBDA {
    __m512 largest = _mm512_load_ps(queries.largest[first + r]);
    each<kVectors>([&](auto j) DFA_VNNI_LAMBDA {
      const std::size_t key = j * kLanes;
      const __m512 score = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r * kVectors + j]), _mm512_load_ps(scales + key),
                                           _mm512_load_ps(bounds + key));
      largest = _mm512_max_ps(largest, score);
      _mm512_store_ps(to + r * kMostKeys + key, score);
    });
    _mm512_store_ps(queries.largest[first + r], largest);
  });
}

DFA_VNNI void score_block(const Layout& at, const std::int8_t* codes, std::size_t head_dim, Queries& queries,
                          const KeyBlock& block, float* scores) {
  for (auto& largest : queries.largest) _mm512_store_ps(largest, _mm512_set1_ps(std::numeric_limits<float>::lowest()));
  const std::size_t steps = (head_dim + kCell - 1) / kCell;
  std::size_t vector = 0;
  for (Parts panels(block.vectors, kTileVectors); panels.any();) {
    const std::size_t width = panels.next();
    for (std::size_t first = 0; first < queries.count; first += kTileRows) {
      if (width == 4) score_tile<4>(at, codes, queries, first, block, vector, steps, scores);
      if (width == 3) score_tile<3>(at, codes, queries, first, block, vector, steps, scores);
      if (width == 2) score_tile<2>(at, codes, queries, first, block, vector, steps, scores);
      if (width == 1) score_tile<1>(at, codes, queries, first, block, vector, steps, scores);
    }
    vector += width;
  }
}

// 2^t for |t| < 127. t = n + f with |f| <= 1/2; 2^f by the cubic that errs least: 7.5e-5 of the value, two
// of the largest weight.
DFA_VNNI_INLINE __m512 power_of_two(__m512 t) {
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const __m512 shifter = _mm512_set1_ps(12582912.0F);
  constexpr int kExponentPlace = 23;
  const __m512 shifted = _mm512_add_ps(t, shifter);
  const __m512 f = _mm512_sub_ps(t, _mm512_sub_ps(shifted, shifter));
  __m512 power = _mm512_fmadd_ps(f, _mm512_set1_ps(kCubic[3]), _mm512_set1_ps(kCubic[2]));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(kCubic[1]));
  power = _mm512_fmadd_ps(power, f, _mm512_set1_ps(kCubic[0]));
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), kExponentPlace);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(power), exponent));
}

// Weights of one vector of keys, kLargestWeight times 2^(score * scale - top).
struct Weighing {
  __m512 scale, offset;

  DFA_VNNI_INLINE __m512i operator()(const float* scores) const {
    const __m512 power = _mm512_fmadd_ps(_mm512_load_ps(scores), scale, offset);
    return _mm512_cvtps_epi32(power_of_two(_mm512_max_ps(power, _mm512_set1_ps(kLeastPower))));
  }
};

// One query's scores become weights; its top and sum follow.
DFA_VNNI void weigh_row(const KeyBlock& block, const float* scores, Queries& queries, std::size_t query,
                        std::int16_t* weights) {
  const float scale = queries.scales[query];
  const float before = queries.tops[query];
  const float top = std::max(before, scale * _mm512_reduce_max_ps(_mm512_load_ps(queries.largest[query])));
  const float fall = std::max(before - top, -126.0F);  // 2^-126 of something: nothing
  const Weighing weigh{_mm512_set1_ps(scale), _mm512_set1_ps(kLog2LargestWeight - top)};
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sum = _mm512_setzero_si512();
  std::size_t vector = 0;
  for (; vector + 2 <= block.vectors; vector += 2) {
    const __m512i even = weigh(scores + vector * kLanes), odd = weigh(scores + (vector + 1) * kLanes);
    const __m512i both = _mm512_packs_epi32(even, odd);
    sum = _mm512_dpwssd_epi32(sum, both, ones);
    _mm512_store_si512(weights + vector * kLanes, both);
  }
  if (vector < block.vectors) {
    const __m256i last = _mm512_cvtepi32_epi16(weigh(scores + vector * kLanes));
    sum = _mm512_dpwssd_epi32(sum, _mm512_zextsi256_si512(last), ones);
    _mm256_store_si256(reinterpret_cast<__m256i*>(weights + vector * kLanes), last);
  }
  const float factor = _mm512_cvtss_f32(power_of_two(_mm512_set1_ps(fall)));
  queries.tops[query] = top;
  queries.factors[query] = factor;
  queries.sums[query] = std::fma(queries.sums[query], factor, static_cast<float>(_mm512_reduce_add_epi32(sum)));
}

// mixed (kTileRows, kVectors vectors) = mixed factors + weights values
template <std::size_t kVectors>
DFA_VNNI void mix_tile(const std::int16_t* weights, std::size_t pairs, const std::int16_t* values, const float* factors,
                       float* mixed, std::size_t width) {
  constexpr std::size_t kSums = kTileRows * kVectors;
  __m512i sums[kSums];
  each<kSums>([&](auto i) DFA_VNNI_LAMBDA { sums[i] = _mm512_setzero_si512(); });
  for (std::size_t pair = 0; pair < pairs; ++pair, weights += 2, values += 2 * kVectors * kLanes) {
    __m512i lines[kVectors];
    each<kVectors>([&](auto j) DFA_VNNI_LAMBDA { lines[j] = _mm512_load_si512(values + 2 * j * kLanes); });
    each<kTileRows>([&](auto r) DFA_VNNI_LAMBDA {
      const __m512i spread = spread_cell(weights + r * kMostKeys);
      each<kVectors>([&](auto j) DFA_VNNI_LAMBDA {
        sums[r * kVectors + j] = _mm512_dpwssd_epi32(sums[r * kVectors + j], lines[j], spread);
      });
    });
  }
  each<kSums>([&](auto i) DFA_VNNI_LAMBDA {
    float* to = mixed + i / kVectors * width + i % kVectors * kLanes;
    const __m512 factor = _mm512_set1_ps(factors[i / kVectors]);
    _mm512_store_ps(to, _mm512_fmadd_ps(_mm512_load_ps(to), factor, _mm512_cvtepi32_ps(sums[i])));
  });
}

DFA_VNNI void mix_block(const Layout& at, const std::int16_t* weights, const Queries& queries, const KeyBlock& block,
                        float* mixed) {
  const std::int16_t* values = block.values;
  const std::size_t pairs = block.pairs();
  std::size_t channel = 0;
  for (Parts groups(at.width / kLanes, kTileVectors); groups.any();) {
    const std::size_t width = groups.next();
    for (std::size_t first = 0; first < queries.count; first += kTileRows) {
      const std::int16_t* rows = weights + first * kMostKeys;
      const float* factors = queries.factors + first;
      float* to = mixed + first * at.width + channel;
      if (width == 4) mix_tile<4>(rows, pairs, values, factors, to, at.width);
      if (width == 3) mix_tile<3>(rows, pairs, values, factors, to, at.width);
      if (width == 2) mix_tile<2>(rows, pairs, values, factors, to, at.width);
      if (width == 1) mix_tile<1>(rows, pairs, values, factors, to, at.width);
    }
    values += block.vectors * kLanes * width * kLanes;
    channel += width * kLanes;
  }
}

// One task: an image, a head and a range of queries.
template <class Value>
struct Task {
  HeadRows<Value> q, k, v;
  HeadRows<Value> all_queries;  // of the head: how they are rounded does not depend on the task
  AttentionOut out;
  std::size_t first_out;  // where the first query's result begins, in values
  std::size_t first_channel;
};

// A query's result, `at` values behind the beginning.
DFA_VNNI void store_row(const float* row, std::size_t count, const AttentionOut& out, std::size_t at,
                        std::size_t channel) {
  std::byte* to = out.values + at * element_size(out.element);
  switch (out.element) {
    case Element::f32:
      std::memcpy(to, row, count * sizeof(float));
      return;
    case Element::bf16:
      for (std::size_t i = 0; i < count; ++i) reinterpret_cast<std::uint16_t*>(to)[i] = bf16_from_f32(row[i]);
      return;
    case Element::u8:
      break;
  }
  const __m512 lowest = _mm512_set1_ps(static_cast<float>(-out.codes->zero_point));
  const __m512 highest = _mm512_set1_ps(kLargestCode - static_cast<float>(out.codes->zero_point));
  const float* multipliers = out.codes->multipliers.data() + channel;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = lanes_from(i, count);
    const __m512 scaled = _mm512_mul_ps(_mm512_load_ps(row + i), _mm512_maskz_loadu_ps(mask, multipliers + i));
    const __m512i code = _mm512_cvtps_epi32(_mm512_max_ps(lowest, _mm512_min_ps(scaled, highest)));
    _mm512_mask_cvtepi32_storeu_epi8(to + i, mask, _mm512_add_epi32(code, _mm512_set1_epi32(out.codes->zero_point)));
  }
}

// One task's way: its keys and values are packed once, then blocks of queries go over blocks of keys.
template <class Value>
class Head {
 public:
  Head(const AttentionShape& shape, const Layout& at, std::byte* scratch, const Task<Value>& task)
      : shape_(shape), at_(at), scratch_(scratch), task_(task) {}

  DFA_VNNI void attend() {
    balance_channels(task_.all_queries, task_.k, of_queries(), of_keys());
    pack_keys(task_.k, at_.width, of_keys(), place<std::int8_t>(at_.row_codes),
              {place<std::uint8_t>(at_.keys), place<float>(at_.key_scales), place<float>(at_.key_bounds)});
    scale_channels(task_.v, place<float>(at_.value_inverses), place<float>(at_.value_scales));
    Parts blocks(at_.vectors, kMostVectors);
    for (std::size_t vector = 0; blocks.any();) {
      const std::size_t vectors = blocks.next(), key = vector * kLanes;
      pack_values(HeadRows<Value>{task_.v.row(key), task_.v.stride, task_.v.count - key, task_.v.width}, vectors,
                  place<float>(at_.value_inverses), place<std::int16_t>(at_.values) + key * at_.width);
      vector += vectors;
    }
    for (std::size_t first = 0; first < task_.q.count; first += kQueries) attend_block(first);
  }

 private:
  template <class Type>
  Type* place(std::size_t at) const {
    return reinterpret_cast<Type*>(scratch_ + at);
  }

  Channels of_keys() const { return {place<float>(at_.channels[0]), place<float>(at_.channels[1])}; }
  Channels of_queries() const { return {place<float>(at_.channels[2]), place<float>(at_.channels[3])}; }

  KeyBlock block_of(std::size_t vector, std::size_t vectors) const {
    const std::size_t key = vector * kLanes;
    return {vectors,
            std::min(vectors * kLanes, task_.k.count - key),
            place<std::uint8_t>(at_.keys) + key * at_.width,
            place<float>(at_.key_scales) + key,
            place<float>(at_.key_bounds) + key,
            place<std::int16_t>(at_.values) + key * at_.width};
  }

  DFA_VNNI void attend_block(std::size_t first) {
    Queries queries;
    load_queries(first, queries);
    float* mixed = place<float>(at_.mixed);
    std::memset(mixed, 0, kQueries * at_.width * sizeof(float));
    Parts blocks(at_.vectors, kMostVectors);
    for (std::size_t vector = 0; blocks.any();) {
      const std::size_t vectors = blocks.next();
      const KeyBlock block = block_of(vector, vectors);
      score_block(at_, place<std::int8_t>(at_.queries), task_.q.width, queries, block, place<float>(at_.scores));
      for (std::size_t query = 0; query < queries.count; ++query)
        weigh_row(block, place<float>(at_.scores) + query * kMostKeys, queries, query,
                  place<std::int16_t>(at_.weights) + query * kMostKeys);
      mix_block(at_, place<std::int16_t>(at_.weights), queries, block, mixed);
      vector += vectors;
    }
    const std::size_t there = std::min(kQueries, task_.q.count - first);
    for (std::size_t query = 0; query < there; ++query)
      store(first + query, queries.sums[query], mixed + query * at_.width);
  }

  // Whole tiles: what is no query has code 0.
  DFA_VNNI void load_queries(std::size_t first, Queries& queries) {
    const std::size_t there = std::min(kQueries, task_.q.count - first);
    queries.count = round_up(there, kTileRows);
    std::int8_t* codes = place<std::int8_t>(at_.queries);
    std::memset(codes + there * at_.width, 0, (queries.count - there) * at_.width);
    for (std::size_t i = 0; i < queries.count; ++i) {
      RowCodes row{0, 0};
      if (i < there) {
        for (std::size_t j = 0; j < task_.q.width; j += kLineBytes / sizeof(Value)) ask_ahead(task_.q, first + i, j);
        row = encode_row8(task_.q.row(first + i), of_queries(), task_.q.width, codes + i * at_.width);
      }
      queries.scales[i] = kLog2E * row.scale;
      queries.starts[i] = -kKeyZero * row.sum;
      queries.tops[i] = std::numeric_limits<float>::lowest();
      queries.sums[i] = 0;
    }
  }

  DFA_VNNI void store(std::size_t query, float sum, float* mixed) {
    const __m512 share = _mm512_set1_ps(1.0F / sum);
    for (std::size_t i = 0; i < at_.width; i += kLanes) {
      const __m512 mean = _mm512_mul_ps(_mm512_load_ps(mixed + i), share);
      _mm512_store_ps(mixed + i, _mm512_mul_ps(mean, _mm512_load_ps(place<float>(at_.value_scales) + i)));
    }
    store_row(mixed, task_.q.width, task_.out, task_.first_out + query * shape_.out.row, task_.first_channel);
  }

  const AttentionShape& shape_;
  const Layout& at_;
  std::byte* scratch_;
  const Task<Value>& task_;
};

// How the work is cut: by image, head and range of queries.
struct Cut {
  std::size_t group;  // queries a task
  int groups;         // of an image and head

  // Enough tasks that threads finish together; each task packs its head's keys again, so no more than that.
  Cut(const AttentionShape& shape, int threads) {
    constexpr int kTasksPerThread = 4;
    const std::size_t queries = static_cast<std::size_t>(shape.queries);
    const int heads = shape.images * shape.heads;
    const int blocks = static_cast<int>((queries + kQueries - 1) / kQueries);
    const int wanted = threads == 1 ? 1 : std::clamp((kTasksPerThread * threads + heads - 1) / heads, 1, blocks);
    group = round_up((queries + static_cast<std::size_t>(wanted) - 1) / static_cast<std::size_t>(wanted), kQueries);
    groups = static_cast<int>((queries + group - 1) / group);
  }
};

template <class Value>
struct Operands {
  const Value *q, *k, *v;
  const AttentionOut& out;
};

template <class Value>
Task<Value> task_of(const AttentionShape& shape, const Operands<Value>& operands, const Cut& cut, int index) {
  const std::size_t first = static_cast<std::size_t>(index % cut.groups) * cut.group;
  const std::size_t width = static_cast<std::size_t>(shape.head_dim);
  const std::size_t head = static_cast<std::size_t>(index / cut.groups % shape.heads) * width;
  const std::size_t image = static_cast<std::size_t>(index / cut.groups / shape.heads);
  const std::size_t kv = image * shape.kv.image + head, keys = static_cast<std::size_t>(shape.keys);
  const std::size_t queries = static_cast<std::size_t>(shape.queries);
  const HeadRows<Value> all{operands.q + image * shape.q.image + head, shape.q.row, queries, width};
  return {{all.row(first), shape.q.row, std::min(cut.group, queries - first), width},
          {operands.k + kv, shape.kv.row, keys, width},
          {operands.v + kv, shape.kv.row, keys, width},
          all,
          operands.out,
          image * shape.out.image + first * shape.out.row + head,
          head};
}

template <class Value>
void share_tasks(const AttentionShape& shape, const Operands<Value>& operands, float* scratch, int threads) {
  const Layout at(shape);
  const Cut cut(shape, threads);
  const std::size_t past_line = reinterpret_cast<std::uintptr_t>(scratch) % kLineBytes;
  std::byte* lines = reinterpret_cast<std::byte*>(scratch) + (kLineBytes - past_line) % kLineBytes;
  const int tasks = shape.images * shape.heads * cut.groups;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int index = 0; index < tasks; ++index) {
    const Task<Value> task = task_of(shape, operands, cut, index);
    Head<Value>(shape, at, lines + static_cast<std::size_t>(omp_get_thread_num()) * at.total, task).attend();
  }
}

}  // namespace

std::size_t attention_vnni_scratch(const AttentionShape& shape, int threads) {
  return (Layout(shape).total * static_cast<std::size_t>(threads) + kLineBytes) / sizeof(float);
}

void attention_vnni(const AttentionShape& shape, const float* q, const float* k, const float* v,
                    const AttentionOut& out, float* scratch, int threads) {
  share_tasks<float>(shape, {q, k, v, out}, scratch, threads);
}

void attention_vnni_bf16(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k,
                         const std::uint16_t* v, const AttentionOut& out, float* scratch, int threads) {
  share_tasks<std::uint16_t>(shape, {q, k, v, out}, scratch, threads);
}

}  // namespace dfa
