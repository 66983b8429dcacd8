#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {

void relu(std::span<float> x) {
  for (float& value : x) value = std::max(value, 0.0F);
}

void gelu(std::span<float> x) {
  for (float& value : x) {
    const double v = value;
    value = static_cast<float>(0.5 * v * (1.0 + std::erf(v / std::numbers::sqrt2)));
  }
}

void swish(std::span<float> x, double slope) {
  for (float& value : x) value = static_cast<float>(value / (1.0 + std::exp(-slope * value)));
}

}  // namespace dfa::ref
