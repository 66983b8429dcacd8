#include <cmath>
#include <cstddef>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {

std::vector<float> layer_norm(std::span<const float> x, const Norm& norm) {
  const std::size_t dim = norm.weight.size();
  std::vector<float> y(x.size());
  for (std::size_t row = 0; row < x.size(); row += dim) {
    double mean = 0;
    for (std::size_t i = 0; i < dim; ++i) mean += x[row + i];
    mean /= static_cast<double>(dim);
    double variance = 0;  // the biased one
    for (std::size_t i = 0; i < dim; ++i) variance += (x[row + i] - mean) * (x[row + i] - mean);
    variance /= static_cast<double>(dim);
    const double scale = 1.0 / std::sqrt(variance + norm.eps);
    for (std::size_t i = 0; i < dim; ++i) {
      y[row + i] = static_cast<float>((x[row + i] - mean) * scale * norm.weight[i] + norm.bias[i]);
    }
  }
  return y;
}

}  // namespace dfa::ref
