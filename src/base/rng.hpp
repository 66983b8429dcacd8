// Named, seeded random streams. Equal (seed, name) gives equal numbers on every machine; streams of other names are
// independent of it, so adding a use of randomness never shifts another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace dfa {

// FNV-1a, 32 bit: the hash of the golden weight rule and of stream names.
std::uint32_t fnv1a32(std::string_view text);
// The finaliser of splitmix64: a bijection that spreads every input bit.
std::uint64_t mix64(std::uint64_t x);

class RngStream {
 public:
  RngStream(std::uint64_t seed, std::string_view name);
  // A stream below this one, e.g. one a sample: independent of how much the parent has been used.
  RngStream child(std::uint64_t index) const;

  std::uint64_t next_u64();
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  std::uint64_t below(std::uint64_t n);     // 0 .. n-1, unbiased; n > 0
  bool chance(double p) { return uniform() < p; }
  double normal();  // mean 0, variance 1 (Box-Muller, no cached second value)

  template <class T>
  void shuffle(std::span<T> values) {  // Fisher-Yates
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

  // State for checkpoints: key and counter.
  struct State {
    std::uint64_t key = 0;
    std::uint64_t counter = 0;
    bool operator==(const State&) const = default;
  };
  State state() const { return {key_, counter_}; }
  void restore(State state) { key_ = state.key, counter_ = state.counter; }

 private:
  explicit RngStream(State state) : key_(state.key), counter_(state.counter) {}
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace dfa
