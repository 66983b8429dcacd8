// The faces of the samples with 68 points, from the repository's own figures: no dlib is needed.
#pragma once

#include <string_view>

#include "synthesis/pair.hpp"

namespace dfa::test {

// name: "astronaut.png" or "grace_hopper.jpg". The face's box is that of the points.
FaceSource sample_face(std::string_view name);

// Largest value in the square of that reach around each pixel.
Mask widened_mask(const Mask& mask, int reach);

// How many pixels differ where `mask` is 0, and how many elsewhere.
struct Differences {
  int outside = 0;
  int inside = 0;
};
Differences differences(const Picture& a, const Picture& b, const Mask& mask);

}  // namespace dfa::test
