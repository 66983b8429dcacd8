#include <cmath>
#include <cstddef>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {
namespace {

float normalise(float x, const BatchNorm& norm, std::size_t channel) {
  const double deviation = std::sqrt(static_cast<double>(norm.variance[channel]) + norm.eps);
  const double unit = (static_cast<double>(x) - norm.mean[channel]) / deviation;
  const double weight = norm.weight.empty() ? 1.0 : norm.weight[channel];
  const double bias = norm.bias.empty() ? 0.0 : norm.bias[channel];
  return static_cast<float>(unit * weight + bias);
}

}  // namespace

void batch_norm(Map& x, const BatchNorm& norm) {
  const std::size_t area = static_cast<std::size_t>(x.side) * x.side;
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = normalise(x.values[i], norm, i / area);
}

void batch_norm(std::span<float> x, const BatchNorm& norm) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = normalise(x[i], norm, i);
}

}  // namespace dfa::ref
