// Images to codes, vectorised for the processor at hand (Highway).
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/codes.hpp"

namespace dfa {

// Three planes of an image, `plane` floats apart, and the floats from one line to the next.
struct Planes {
  const float* red = nullptr;
  std::size_t plane = 0;
  std::size_t line = 0;
};

// One line of `count` pixels: dst (count, 3), each value what code_of() gives. `codes` has three channels.
void encode_pixels(const Planes& from, std::size_t count, const Codes& codes, std::uint8_t* dst);

// A square of side x side pixels as one row (3, side, side). `codes` has as many channels.
void encode_patch(const Planes& from, std::size_t side, const Codes& codes, std::uint8_t* dst);

}  // namespace dfa
