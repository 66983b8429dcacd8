#include <cstddef>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {
namespace {

// All output channels at one output position.
void conv_position(const Map& x, const Conv& layer, int oy, int ox, std::vector<double>& sums) {
  for (int o = 0; o < layer.out; ++o) sums[o] = layer.bias.empty() ? 0.0 : layer.bias[o];
  for (int c = 0; c < layer.in; ++c) {
    for (int ky = 0; ky < layer.kernel; ++ky) {
      const int y = oy * layer.stride + ky - layer.padding;
      if (y < 0 || y >= x.side) continue;
      for (int kx = 0; kx < layer.kernel; ++kx) {
        const int column = ox * layer.stride + kx - layer.padding;
        if (column < 0 || column >= x.side) continue;
        const double value = x.values[(static_cast<std::size_t>(c) * x.side + y) * x.side + column];
        const float* weights =
            layer.weight_t.data() + ((static_cast<std::size_t>(c) * layer.kernel + ky) * layer.kernel + kx) *
                                        static_cast<std::size_t>(layer.out);
        for (int o = 0; o < layer.out; ++o) sums[o] += value * static_cast<double>(weights[o]);
      }
    }
  }
}

}  // namespace

Conv make_conv(Conv shape, std::span<const float> weight, std::span<const float> bias) {
  shape.bias.assign(bias.begin(), bias.end());
  shape.weight_t.resize(weight.size());
  const std::size_t taps = static_cast<std::size_t>(shape.in) * shape.kernel * shape.kernel;
  for (int o = 0; o < shape.out; ++o) {
    for (std::size_t tap = 0; tap < taps; ++tap) shape.weight_t[tap * shape.out + o] = weight[o * taps + tap];
  }
  return shape;
}

Map conv2d(const Map& x, const Conv& layer, int threads) {
  const int side = (x.side + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  Map y{layer.out, side, std::vector<float>(static_cast<std::size_t>(layer.out) * side * side)};
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int oy = 0; oy < side; ++oy) {
    std::vector<double> sums(layer.out);
    for (int ox = 0; ox < side; ++ox) {
      conv_position(x, layer, oy, ox, sums);
      for (int o = 0; o < layer.out; ++o) {
        y.values[(static_cast<std::size_t>(o) * side + oy) * side + ox] = static_cast<float>(sums[o]);
      }
    }
  }
  return y;
}

}  // namespace dfa::ref
