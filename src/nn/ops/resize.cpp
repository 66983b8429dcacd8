#include "nn/ops/resize.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace dfa {
namespace {

// Output i lies between inputs low and high, `share` of the way.
struct Tap {
  std::size_t low = 0;
  std::size_t high = 0;
  float share = 0;
};

std::vector<Tap> make_taps(int side, int out_side) {
  std::vector<Tap> taps;
  const double scale = static_cast<double>(side) / out_side;
  for (int i = 0; i < out_side; ++i) {
    const double centre = std::max(0.0, (i + 0.5) * scale - 0.5);
    const int low = std::min(static_cast<int>(centre), side - 1);
    taps.push_back({static_cast<std::size_t>(low), static_cast<std::size_t>(std::min(low + 1, side - 1)),
                    static_cast<float>(centre - low)});
  }
  return taps;
}

}  // namespace

void resize_bilinear(const float* src, int planes, int side, int out_side, float* dst, int threads) {
  const std::vector<Tap> taps = make_taps(side, out_side);
  const std::size_t in = static_cast<std::size_t>(side);
  const std::size_t out = static_cast<std::size_t>(out_side);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int plane = 0; plane < planes; ++plane) {
    const float* from = src + static_cast<std::size_t>(plane) * in * in;
    float* to = dst + static_cast<std::size_t>(plane) * out * out;
    for (std::size_t y = 0; y < out; ++y) {
      const float* upper = from + taps[y].low * in;
      const float* lower = from + taps[y].high * in;
      for (std::size_t x = 0; x < out; ++x) {
        const Tap& tap = taps[x];
        const float a = upper[tap.low] + tap.share * (upper[tap.high] - upper[tap.low]);
        const float b = lower[tap.low] + tap.share * (lower[tap.high] - lower[tap.low]);
        to[y * out + x] = a + taps[y].share * (b - a);
      }
    }
  }
}

}  // namespace dfa
