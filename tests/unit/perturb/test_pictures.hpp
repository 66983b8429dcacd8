// Pictures to degrade, and how far two pictures are apart.
#pragma once

#include <cstdint>
#include <string>

#include "media/picture.hpp"
#include "perturb/perturb.hpp"

namespace dfa::test {

// Independent bytes, all values.
Picture noise(int width, int height, std::uint64_t seed = 1);
// Smooth, in colours.
Picture ramp(int width, int height);
// samples/NAME.
Picture sample(const std::string& name);

// Fails the test and gives an empty picture where it cannot be done.
Picture perturbed(const Picture& picture, const Perturbation& perturbation, std::uint64_t seed = 1);

struct Difference {
  int largest = 0;
  int largest_around = 0;     // on the circle of 256 values: 255 and 0 are neighbours
  double mean = 0;            // of the absolute difference, over bytes
  double deviation = 0;       // standard deviation of the difference, over bytes
  double bytes_changed = 0;   // share
  double pixels_changed = 0;  // share
};
// Requires equal sizes.
Difference difference(const Picture& a, const Picture& b);

}  // namespace dfa::test
