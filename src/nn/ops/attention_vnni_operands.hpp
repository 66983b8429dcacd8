// The operands of Note [Attention by whole numbers]: how they are rounded, and how they lie.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define DFA_VNNI_SETS target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#define DFA_VNNI __attribute__((DFA_VNNI_SETS))
#define DFA_VNNI_INLINE __attribute__((DFA_VNNI_SETS, always_inline)) inline
#define DFA_VNNI_LAMBDA __attribute__((DFA_VNNI_SETS, always_inline))

namespace dfa::vnni {

// Note [Attention by whole numbers]
// Queries and keys become codes of 8 bits, -127..127, with one scale for each row. Before that the mean of a head's
// keys is taken off each of them: it adds the same to all scores of a query, which a softmax does not feel, and with it
// go the channels that are large in every key. A channel in which keys vary more than queries is divided in the keys
// and multiplied in the queries, until both vary alike: then no channel takes the codes of all others. Keys are stored
// as u8, code + 128, for the product takes u8 and s8; the sums begin at -128 times the sum of the query's codes.
//   score = query_scale key_scale sum_i query_code[i] key_code[i]
// Values become whole numbers -255..255, with one scale for each channel. Weights are whole numbers too, 32760 for the
// largest score of a query so far: 8 bits would lose what many small ones weigh together. Products of 256 keys then fit
// 32 bits: 256 * 32767 * 255 < 2^31. So keys are taken up to 256 at a time; what they give is added in f32 to the
// result so far, which is scaled down when the largest score grows. What is divided by at the end is the sum of the
// rounded weights: a result is a true mean of values, and no mass is lost in a flat row.
//
// Layouts: a line is a vector of 64 bytes. Keys: 16 of them (a vector of keys), 4 channels of each beside each other, a
// line for each 4 channels. Values: 16 channels of two keys, pairs beside each other, a line for each pair; up to
// kTileVectors vectors of channels (a group) lie beside each other, then comes the next pair.
constexpr std::size_t kLanes = 16;
constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kCell = 4;          // channels of a key that are multiplied at once
constexpr std::size_t kTileRows = 6;      // sums in registers: 6 queries of 4 vectors
constexpr std::size_t kTileVectors = 4;   //
constexpr std::size_t kQueries = 24;      // of a block, a multiple of kTileRows
constexpr std::size_t kMostVectors = 16;  // of a block of keys
constexpr std::size_t kMostKeys = kMostVectors * kLanes;
constexpr float kLargestCode8 = 127.0F;
constexpr int kKeyZero = 128;  // what is stored for a key's code 0
constexpr float kLargestValue = 255.0F;
constexpr float kLargestWeight = 32760.0F;  // below 2^15 by more than the exponential errs
constexpr float kNothing = 1e-30F;          // rows and channels no larger are 0

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// `count` vectors cut into parts of at most `most`, as equal as they can be, the larger first.
class Parts {
 public:
  Parts(std::size_t count, std::size_t most) : left_(count), parts_((count + most - 1) / most) {}
  bool any() const { return left_ > 0; }
  std::size_t next() {
    const std::size_t part = (left_ + parts_ - 1) / parts_;
    left_ -= part;
    --parts_;
    return part;
  }

 private:
  std::size_t left_, parts_;
};

DFA_VNNI_INLINE __m512 load_wide(const float* from, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, from);
}

DFA_VNNI_INLINE __m512 load_wide(const std::uint16_t* from, __mmask16 mask) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

// Lanes from channel `first` on that exist.
constexpr __mmask16 lanes_from(std::size_t first, std::size_t count) {
  return static_cast<__mmask16>(count - first >= kLanes ? 0xffffU : (1U << (count - first)) - 1U);
}

// Rows of one head.
template <class Value>  // float, or std::uint16_t for bf16
struct HeadRows {
  const Value* first;
  std::size_t stride;
  std::size_t count;
  std::size_t width;  // head_dim

  const Value* row(std::size_t index) const { return first + index * stride; }
};

// A head's rows are far apart: what is read a few rows later is asked for.
template <class Value>
DFA_VNNI_INLINE void ask_ahead(const HeadRows<Value>& rows, std::size_t row, std::size_t channel) {
  constexpr std::size_t kAhead = 12;
  if (row + kAhead < rows.count)
    _mm_prefetch(reinterpret_cast<const char*>(rows.row(row + kAhead) + channel), _MM_HINT_T0);
}

// How channels are changed before rows become codes: value = x factor - offset.
struct Channels {
  float *factors, *offsets;  // (width, rounded up to vectors)
};

// About kSample rows, evenly spread: what channels are like is known well enough from them.
class Sample {
 public:
  explicit Sample(std::size_t rows) : every_((rows + kSample - 1) / kSample), count_((rows + every_ - 1) / every_) {}
  std::size_t every() const { return every_; }
  float share() const { return 1.0F / static_cast<float>(count_); }

 private:
  static constexpr std::size_t kSample = 48;
  std::size_t every_, count_;
};

// Of 16 channels.
template <class Value>
DFA_VNNI_INLINE __m512 mean_of(const HeadRows<Value>& rows, std::size_t channel) {
  const Sample sample(rows.count);
  __m512 sum = _mm512_setzero_ps();
  for (std::size_t t = 0; t < rows.count; t += sample.every())
    sum = _mm512_add_ps(sum, load_wide(rows.row(t) + channel, lanes_from(channel, rows.width)));
  return _mm512_mul_ps(sum, _mm512_set1_ps(sample.share()));
}

// The mean distance from `middle`.
template <class Value>
DFA_VNNI_INLINE __m512 spread_of(const HeadRows<Value>& rows, std::size_t channel, __m512 middle) {
  const Sample sample(rows.count);
  __m512 sum = _mm512_setzero_ps();
  for (std::size_t t = 0; t < rows.count; t += sample.every()) {
    const __m512 value = load_wide(rows.row(t) + channel, lanes_from(channel, rows.width));
    sum = _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(value, middle)));
  }
  return _mm512_mul_ps(sum, _mm512_set1_ps(sample.share()));
}

// Keys lose their mean; a channel is moved from keys to queries until both spread alike.
template <class Value>
DFA_VNNI void balance_channels(const HeadRows<Value>& queries, const HeadRows<Value>& keys, const Channels& of_queries,
                               const Channels& of_keys) {
  const __m512 one = _mm512_set1_ps(1.0F), nothing = _mm512_set1_ps(kNothing);
  for (std::size_t i = 0; i < keys.width; i += kLanes) {
    const __m512 mean = mean_of(keys, i);
    const __m512 keys_spread = spread_of(keys, i, mean), queries_spread = spread_of(queries, i, _mm512_setzero_ps());
    const __mmask16 some =
        _mm512_cmp_ps_mask(keys_spread, nothing, _CMP_GT_OQ) & _mm512_cmp_ps_mask(queries_spread, nothing, _CMP_GT_OQ);
    const __m512 ratio = _mm512_mask_div_ps(one, some, keys_spread, queries_spread);
    const __m512 factor = _mm512_sqrt_ps(ratio), inverse = _mm512_div_ps(one, factor);
    _mm512_storeu_ps(of_queries.factors + i, factor);
    _mm512_storeu_ps(of_queries.offsets + i, _mm512_setzero_ps());
    _mm512_storeu_ps(of_keys.factors + i, inverse);
    _mm512_storeu_ps(of_keys.offsets + i, _mm512_mul_ps(mean, inverse));
  }
}

struct RowCodes {
  float scale;       // 0 for a row of nothing
  std::int32_t sum;  // of the codes
};

template <class Value>
DFA_VNNI_INLINE __m512 changed(const Value* row, const Channels& channels, std::size_t i, std::size_t width) {
  return _mm512_fmsub_ps(load_wide(row + i, lanes_from(i, width)), _mm512_loadu_ps(channels.factors + i),
                         _mm512_loadu_ps(channels.offsets + i));
}

// One row's codes (s8, to whole vectors of channels; what is no channel has code 0).
template <class Value>
DFA_VNNI_INLINE RowCodes encode_row8(const Value* row, const Channels& channels, std::size_t width,
                                     std::int8_t* codes) {
  __m512 largest = _mm512_setzero_ps();
  for (std::size_t i = 0; i < width; i += kLanes)
    largest = _mm512_max_ps(largest, _mm512_abs_ps(changed(row, channels, i, width)));
  const float reach = _mm512_reduce_max_ps(largest);
  const float inverse = reach > kNothing ? kLargestCode8 / reach : 0.0F;
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < width; i += kLanes) {
    const __m512 value = changed(row, channels, i, width);
    const __m512i code = _mm512_cvtps_epi32(_mm512_mul_ps(value, _mm512_set1_ps(inverse)));
    sum = _mm512_add_epi32(sum, code);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + i), _mm512_cvtepi32_epi8(code));
  }
  return {reach > kNothing ? reach / kLargestCode8 : 0.0F, _mm512_reduce_add_epi32(sum)};
}

// Four lines of `lines` = 16 rows of 16 codes, `stride` bytes apart, turned: line s has cell s of every row.
DFA_VNNI_INLINE void turn_cells(const std::int8_t* codes, std::size_t stride, std::uint8_t* lines) {
  __m512i quarter[4];  // quarter[r]: rows r, 4 + r, 8 + r and 12 + r
#pragma GCC unroll 4
  for (std::size_t r = 0; r < 4; ++r) {
    const auto row = [&](std::size_t t) DFA_VNNI_LAMBDA {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + t * stride));
    };
    quarter[r] = _mm512_castsi128_si512(row(r));
    quarter[r] = _mm512_inserti32x4(quarter[r], row(4 + r), 1);
    quarter[r] = _mm512_inserti32x4(quarter[r], row(8 + r), 2);
    quarter[r] = _mm512_inserti32x4(quarter[r], row(12 + r), 3);
  }
  const __m512i low01 = _mm512_unpacklo_epi32(quarter[0], quarter[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(quarter[2], quarter[3]);
  const __m512i high01 = _mm512_unpackhi_epi32(quarter[0], quarter[1]);
  const __m512i high23 = _mm512_unpackhi_epi32(quarter[2], quarter[3]);
  const __m512i zero = _mm512_set1_epi8(static_cast<char>(kKeyZero));
  const __m512i turned[4] = {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
                             _mm512_unpacklo_epi64(high01, high23), _mm512_unpackhi_epi64(high01, high23)};
#pragma GCC unroll 4
  for (std::size_t s = 0; s < 4; ++s) _mm512_store_si512(lines + s * kLineBytes, _mm512_xor_si512(turned[s], zero));
}

struct PackedKeys {
  std::uint8_t* lines;  // vector n of keys begins at n * kLanes * padded width
  float* scales;        // of each key; 0 for those that are not there
  float* bounds;        // 0, or -inf for keys that are not there: they must neither win nor weigh anything
};

// `row_codes`: kLanes rows of `padded` codes.
template <class Value>
DFA_VNNI void pack_keys(const HeadRows<Value>& keys, std::size_t padded, const Channels& channels,
                        std::int8_t* row_codes, const PackedKeys& to) {
  for (std::size_t first = 0; first < keys.count; first += kLanes) {
    for (std::size_t t = 0; t < kLanes; ++t) {
      const std::size_t key = first + t;
      const bool there = key < keys.count;
      to.bounds[key] = there ? 0.0F : -__builtin_inff();
      if (there) {
        for (std::size_t i = 0; i < keys.width; i += kLineBytes / sizeof(Value)) ask_ahead(keys, key, i);
        to.scales[key] = encode_row8(keys.row(key), channels, keys.width, row_codes + t * padded).scale;
      } else {
        std::memset(row_codes + t * padded, 0, padded);
        to.scales[key] = 0;
      }
    }
    for (std::size_t i = 0; i < padded; i += kLanes)
      turn_cells(row_codes + i, padded, to.lines + first * padded + i * kLanes);
  }
}

// inverses and scales (width, rounded up to vectors), so that |value * inverse| <= kLargestValue.
template <class Value>
DFA_VNNI void scale_channels(const HeadRows<Value>& rows, float* inverses, float* scales) {
  for (std::size_t i = 0; i < rows.width; i += kTileVectors * kLanes) {
    __m512 largest[kTileVectors];
    for (__m512& one : largest) one = _mm512_setzero_ps();
    const std::size_t vectors = std::min(kTileVectors, (rows.width - i + kLanes - 1) / kLanes);
    for (std::size_t t = 0; t < rows.count; ++t) {
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kTileVectors; ++j) {
        if (j >= vectors) break;
        const std::size_t channel = i + j * kLanes;
        ask_ahead(rows, t, channel);
        const __m512 value = load_wide(rows.row(t) + channel, lanes_from(channel, rows.width));
        largest[j] = _mm512_max_ps(largest[j], _mm512_abs_ps(value));
      }
    }
    for (std::size_t j = 0; j < vectors; ++j) {
      const __mmask16 some = _mm512_cmp_ps_mask(largest[j], _mm512_set1_ps(kNothing), _CMP_GT_OQ);
      const __m512 most = _mm512_set1_ps(kLargestValue);
      _mm512_storeu_ps(inverses + i + j * kLanes, _mm512_maskz_div_ps(some, most, largest[j]));
      _mm512_storeu_ps(scales + i + j * kLanes, _mm512_maskz_div_ps(some, largest[j], most));
    }
  }
}

// The weights of two vectors of keys are packed by lanes of 16 bytes: the first key of the pair in place `pair`.
constexpr std::size_t first_of_pair(std::size_t pair, std::size_t vectors) {
  const std::size_t whole = vectors / 2 * kLanes;  // pairs of whole twos of vectors
  if (pair >= whole) return 2 * pair;
  const std::size_t place = pair % kLanes, lane = place / 4, within = place % 4;
  return pair / kLanes * 2 * kLanes + 4 * lane + (within < 2 ? 2 * within : kLanes + 2 * (within - 2));
}

// The values of one block of keys: `vectors` vectors of them, of which `values.count` rows are there.
template <class Value>
DFA_VNNI void pack_values(const HeadRows<Value>& values, std::size_t vectors, const float* inverses,
                          std::int16_t* lines) {
  const std::size_t pairs = vectors * kLanes / 2;
  std::byte* group = reinterpret_cast<std::byte*>(lines);
  std::size_t channel = 0;
  for (Parts groups((values.width + kLanes - 1) / kLanes, kTileVectors); groups.any();) {
    const std::size_t width = groups.next();
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const std::size_t key = first_of_pair(pair, vectors);
      for (std::size_t j = 0; j < width; ++j) {
        const std::size_t i = channel + j * kLanes;
        const __mmask16 mask = lanes_from(i, values.width);
        const __m512 inverse = _mm512_loadu_ps(inverses + i);
        __m512i whole[2];
#pragma GCC unroll 2
        for (std::size_t t = 0; t < 2; ++t) {
          const bool there = key + t < values.count;
          const __m512 value = there ? load_wide(values.row(key + t) + i, mask) : _mm512_setzero_ps();
          whole[t] = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
        }
        const __m512i both = _mm512_mask_blend_epi16(0xaaaaaaaaU, whole[0], _mm512_slli_epi32(whole[1], 16));
        _mm512_store_si512(group + (pair * width + j) * kLineBytes, both);
      }
    }
    group += pairs * width * kLineBytes;
    channel += width * kLanes;
  }
}

}  // namespace dfa::vnni
