// Asking for memory before it is wanted, for attention_amx.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "nn/ops/attention_amx_tiles.hpp"

namespace dfa::tiles {

constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kPairBytes = 128;  // lines come in pairs: the second level fetches a line's neighbour with it

// Rows of one length.
struct ByteRows {
  const std::byte* first = nullptr;
  std::size_t stride = 0;
  std::size_t count = 0;
};

inline ByteRows rows_of(const std::uint16_t* first, std::size_t row, std::size_t count) {
  return {reinterpret_cast<const std::byte*>(first), row * sizeof(std::uint16_t), count};
}

// Asks for rows that are wanted soon, some of each kind at a time.
class Ahead {
 public:
  enum What { keys, values, queries, results, kinds };

  explicit Ahead(std::size_t head_dim) : bytes_(head_dim * sizeof(std::uint16_t)) {}

  void want(What what, const ByteRows& rows) { wanted_[what] = rows; }

  DFA_AMX void ask(std::size_t most) {
    for (int what = 0; what < kinds; ++what) {
      ByteRows& rows = wanted_[what];
      const std::size_t count = std::min(most, rows.count);
      for (std::size_t i = 0; i < count; ++i, rows.first += rows.stride) {
        for (std::size_t at = 0; at < bytes_; at += kPairBytes) {
          if (what == results)
            __builtin_prefetch(rows.first + at, 1);
          else
            _mm_prefetch(rows.first + at, _MM_HINT_T1);
        }
      }
      rows.count -= count;
    }
  }

 private:
  std::size_t bytes_;
  ByteRows wanted_[kinds];
};

}  // namespace dfa::tiles
