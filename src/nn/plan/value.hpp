// One value in either format of a plan's buffers: kernels that take both are written once.
#pragma once

#include <cstdint>

#include "tensorfile/float_bits.hpp"

namespace dfa {

inline float wide(float value) {
  return value;
}
inline float wide(std::uint16_t bf16) {
  return f32_from_bf16(bf16);
}

inline void store(float value, float& to) {
  to = value;
}
// To nearest, ties to even.
inline void store(float value, std::uint16_t& to) {
  to = bf16_from_f32(value);
}

}  // namespace dfa
