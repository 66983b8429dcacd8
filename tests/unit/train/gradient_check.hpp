// Backward's gradients against central differences, both in f64.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "train/nets/train_network.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {

inline double wide_loss(train::TrainNetwork& network, const std::vector<float>& images, int n,
                        train::LossOptions options = {}) {
  options.compute = train::Compute::f64;
  const auto step = network.loss_and_gradients(images, alternating_labels(n), options);
  EXPECT_TRUE(step) << (step ? "" : step.error().message);
  return step ? step->loss : std::nan("");
}

inline Tensor gradient_of(train::TrainNetwork& network, const TensorMap& weights, const std::vector<float>& images,
                          int n, const std::string& name, const train::LossOptions& options = {}) {
  EXPECT_TRUE(network.load(weights));
  wide_loss(network, images, n, options);
  return network.gradients().at(name);
}

// |analytic - numeric| / |numeric| over up to `entries` evenly spread values of tensor `name`. The steps are exact in
// f32, in which weights are stored; losses are f64.
inline double gradient_error(train::TrainNetwork& network, const TensorMap& weights, const std::vector<float>& images,
                             int n, const std::string& name, std::size_t entries = 12,
                             const train::LossOptions& options = {}) {
  constexpr float kStep = 1.0F / 2048;
  const std::vector<float> analytic = *gradient_of(network, weights, images, n, name, options).to_f32();
  const std::vector<float> start = *weights.at(name).to_f32();
  const auto loss_with = [&](std::size_t at, float value) {
    TensorMap changed = weights;
    std::vector<float> values = start;
    values[at] = value;
    changed[name] = Tensor::from_f32(weights.at(name).shape, values);
    EXPECT_TRUE(network.load(changed));
    return wide_loss(network, images, n, options);
  };
  double difference = 0, norm = 0;
  const std::size_t stride = std::max<std::size_t>(1, start.size() / entries);
  for (std::size_t at = 0; at < start.size(); at += stride) {
    const float high = start[at] + kStep, low = start[at] - kStep;
    const double numeric = (loss_with(at, high) - loss_with(at, low)) / (static_cast<double>(high) - low);
    difference += std::pow(analytic[at] - numeric, 2);
    norm += numeric * numeric;
  }
  EXPECT_GT(norm, 0) << name << ": nothing was compared";
  return std::sqrt(difference / norm);
}

}  // namespace dfa::test
