#include <algorithm>
#include <cstddef>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {
namespace {

// A tile of sums that stays in the first-level cache: 4 rows share each weight that is read, 32 outputs fill the
// vectors.
constexpr int kRows = 4;
constexpr int kOutputs = 32;
using Sums = double[kRows][kOutputs];

// The sums of up to 4 rows for 32 outputs; constant widths let the compiler vectorise over outputs.
void add_products(const float* x, int rows, const Linear& layer, int first_output, Sums& sums) {
  for (int i = 0; i < layer.in; ++i) {
    const float* weights = layer.weight_t.data() + static_cast<std::size_t>(i) * layer.out + first_output;
    for (int r = 0; r < rows; ++r) {
      const double value = x[static_cast<std::size_t>(r) * layer.in + i];
      for (int o = 0; o < kOutputs; ++o) sums[r][o] += value * static_cast<double>(weights[o]);
    }
  }
}

// The same for the last outputs, fewer than 32.
void add_products_tail(const float* x, int rows, const Linear& layer, int first_output, Sums& sums) {
  for (int i = 0; i < layer.in; ++i) {
    const float* weights = layer.weight_t.data() + static_cast<std::size_t>(i) * layer.out;
    for (int r = 0; r < rows; ++r) {
      const double value = x[static_cast<std::size_t>(r) * layer.in + i];
      for (int o = first_output; o < layer.out; ++o)
        sums[r][o - first_output] += value * static_cast<double>(weights[o]);
    }
  }
}

void linear_rows(const float* x, int rows, const Linear& layer, float* y) {
  for (int first = 0; first < layer.out; first += kOutputs) {
    const int width = std::min(kOutputs, layer.out - first);
    Sums sums = {};
    if (width == kOutputs) {
      add_products(x, rows, layer, first, sums);
    } else {
      add_products_tail(x, rows, layer, first, sums);
    }
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < width; ++o) {
        y[static_cast<std::size_t>(r) * layer.out + first + o] =
            static_cast<float>(sums[r][o] + static_cast<double>(layer.bias[first + o]));
      }
    }
  }
}

}  // namespace

Linear make_linear(int out, int in, std::span<const float> weight, std::span<const float> bias) {
  Linear layer{in, out, std::vector<float>(weight.size()), std::vector<float>(bias.begin(), bias.end())};
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      layer.weight_t[static_cast<std::size_t>(i) * out + o] = weight[static_cast<std::size_t>(o) * in + i];
    }
  }
  return layer;
}

std::vector<float> linear(std::span<const float> x, int rows, const Linear& layer, int threads) {
  std::vector<float> y(static_cast<std::size_t>(rows) * layer.out);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int first = 0; first < rows; first += kRows) {
    linear_rows(x.data() + static_cast<std::size_t>(first) * layer.in, std::min(kRows, rows - first), layer,
                y.data() + static_cast<std::size_t>(first) * layer.out);
  }
  return y;
}

}  // namespace dfa::ref
