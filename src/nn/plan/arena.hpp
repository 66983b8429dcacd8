// One block of memory for everything that an engine keeps: aligned to cache lines, reserved at once, touched only when
// used.
#pragma once

#include <cstddef>

#include "base/result.hpp"

namespace dfa {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Room for `count` floats, zero where nobody wrote. Pages that are never written cost no memory.
  // Errors: out_of_memory.
  static Result<Arena> reserve(std::size_t count);

  float* data() { return data_; }
  std::size_t size() const { return count_; }

 private:
  float* data_ = nullptr;
  std::size_t count_ = 0;
  std::size_t mapped_bytes_ = 0;
};

// Floats a cache line holds; every buffer begins on one.
inline constexpr std::size_t kLineFloats = 16;

inline std::size_t round_to_line(std::size_t count) {
  return (count + kLineFloats - 1) / kLineFloats * kLineFloats;
}

}  // namespace dfa
