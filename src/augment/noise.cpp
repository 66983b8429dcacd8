#include <algorithm>
#include <cmath>

#include "augment/augment_steps.hpp"

namespace dfa {

Picture add_noise(const Picture& picture, double sigma, RngStream stream) {
  Picture out = picture;
  for (std::uint8_t& v : out.rgb)
    v = static_cast<std::uint8_t>(std::clamp(std::lround(v + sigma * stream.normal()), 0L, 255L));
  return out;
}

}  // namespace dfa
