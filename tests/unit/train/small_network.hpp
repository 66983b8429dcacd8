// The network of the golden file's size: small enough to train in a test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "nn/network.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::test {

inline NetworkConfig small_config() {
  NetworkConfig config;
  config.image = 64;
  config.dim = 48;
  config.depth = 6;
  config.heads = 3;
  config.lsa_heads = 6;
  config.mlp = 192;
  config.bottleneck = 8;
  config.spm_width = 16;
  config.stages = {{0, 1}, {2, 3}, {4, 5}};
  return config;
}

// Smaller still, for hundreds of steps and for differences in every parameter.
inline void make_tiny(NetworkConfig& config) {
  config.image = 32;
  config.dim = 24;
  config.depth = 2;
  config.heads = 2;
  config.mlp = 32;
  config.bottleneck = 4;
  config.lsa_heads = 2;
  config.spm_width = 4;
  config.stages = {{0, 0}, {1, 1}};
}

// Throws where the network cannot be made: a test without it must fail.
inline std::unique_ptr<train::TrainNetwork> make_train_network(
    const NetworkConfig& config, const TensorMap& weights, const train::Tuning& tuning,
    train::AttentionPath attention = train::AttentionPath::fused) {
  auto network = train::TrainNetwork::create(config, tuning, attention);
  if (!network) throw std::runtime_error(network.error().message);
  if (const Status loaded = (*network)->load(weights); !loaded) throw std::runtime_error(loaded.error().message);
  return std::move(*network);
}

inline std::vector<std::int64_t> alternating_labels(int n) {
  std::vector<std::int64_t> labels;
  for (int i = 0; i < n; ++i) labels.push_back(i % 2);
  return labels;
}

inline double norm_of(const Tensor& tensor) {
  double sum = 0;
  const auto values = tensor.to_f32();
  for (const float value : *values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

// The norm of the difference, as a share of the norm of the second. Counters are equal (0) or not (1).
inline double relative_difference(const Tensor& got, const Tensor& expected) {
  if (expected.dtype == Dtype::i64) return std::ranges::equal(got.bytes, expected.bytes) ? 0 : 1;
  const auto a = got.to_f32(), b = expected.to_f32();
  double sum = 0;
  for (std::size_t i = 0; i < b->size(); ++i) sum += std::pow(static_cast<double>((*a)[i]) - (*b)[i], 2);
  return std::sqrt(sum) / (norm_of(expected) + 1e-12);
}

}  // namespace dfa::test
