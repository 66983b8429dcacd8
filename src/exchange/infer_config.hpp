// The configuration that a set of weights can belong to. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

struct InferredConfig {
  NetworkConfig config;
  std::vector<std::string> assumed;
};

enum class Adapters { looked_for, none };

// Sizes from the shapes of the tensors that name them, then `set` on top. With Adapters::none the result is a plain
// ViT. Errors: model_incompatible (a naming tensor is missing or has an odd shape; heads or stages that have to be set;
// check_config); usage.
Result<InferredConfig> infer_config(const TensorMap& weights, Adapters adapters, const std::vector<std::string>& set);

}  // namespace dfa
