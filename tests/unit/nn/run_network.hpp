// Shared by the tests of engines: builds, runs, returns both outputs.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <vector>

#include "nn/network.hpp"

namespace dfa::test {

struct Outputs {
  std::vector<float> logits;   // (N, classes)
  std::vector<float> feature;  // (N, D)
};

inline Outputs run_network(Network& network, std::span<const float> images, int n) {
  const NetworkConfig& config = network.config();
  Outputs out{std::vector<float>(static_cast<std::size_t>(n) * static_cast<std::size_t>(config.classes)),
              std::vector<float>(static_cast<std::size_t>(n) * static_cast<std::size_t>(config.dim))};
  const Status status = network.forward(images, n, {out.logits, out.feature});
  EXPECT_TRUE(status) << status.error().message;
  return out;
}

inline std::unique_ptr<Network> build_network(const NetworkConfig& config, const TensorMap& weights,
                                              const NetworkOptions& options) {
  Result<std::unique_ptr<Network>> network = make_network(config, weights, options);
  EXPECT_TRUE(network) << network.error().message;
  return network ? std::move(*network) : nullptr;
}

}  // namespace dfa::test
