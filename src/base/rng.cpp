#include "base/rng.hpp"

#include <cmath>
#include <numbers>

namespace dfa {

std::uint32_t fnv1a32(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

namespace {
// Weyl step of splitmix64: odd, so that the counter visits every value.
constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ull;
}  // namespace

RngStream::RngStream(std::uint64_t seed, std::string_view name)
    : key_(mix64(mix64(seed + kStep) ^ (static_cast<std::uint64_t>(fnv1a32(name)) * kStep))) {}

RngStream RngStream::child(std::uint64_t index) const {
  return RngStream(State{mix64(key_ ^ mix64(index * kStep + 1)), 0});
}

std::uint64_t RngStream::next_u64() {
  return mix64(key_ + ++counter_ * kStep);
}

double RngStream::uniform() {
  return static_cast<double>(next_u64() >> 11) * 0x1p-53;
}

double RngStream::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

std::uint64_t RngStream::below(std::uint64_t n) {
  const std::uint64_t uneven = (0 - n) % n;  // 2^64 mod n: the values that would make small results likelier
  for (;;)
    if (const std::uint64_t x = next_u64(); x >= uneven) return x % n;
}

double RngStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u lies in (0, 1]
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace dfa
