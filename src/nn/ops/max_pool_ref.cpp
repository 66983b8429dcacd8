#include <algorithm>
#include <cstddef>
#include <limits>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {

Map max_pool(const Map& x) {
  const int side = (x.side + 1) / 2;
  Map y{x.channels, side, std::vector<float>(static_cast<std::size_t>(x.channels) * side * side)};
  for (int c = 0; c < x.channels; ++c) {
    for (int oy = 0; oy < side; ++oy) {
      for (int ox = 0; ox < side; ++ox) {
        float largest = std::numeric_limits<float>::lowest();
        for (int row = std::max(0, 2 * oy - 1); row <= std::min(x.side - 1, 2 * oy + 1); ++row) {
          for (int column = std::max(0, 2 * ox - 1); column <= std::min(x.side - 1, 2 * ox + 1); ++column) {
            largest = std::max(largest, x.values[(static_cast<std::size_t>(c) * x.side + row) * x.side + column]);
          }
        }
        y.values[(static_cast<std::size_t>(c) * side + oy) * side + ox] = largest;
      }
    }
  }
  return y;
}

}  // namespace dfa::ref
