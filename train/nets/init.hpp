// First weights (spec method.md 2.5), from named random streams: one stream a tensor, so that equal (seed, name, shape)
// gives equal values whatever else the network holds.
#pragma once

#include <cstdint>

#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa::train {

// Every tensor of network_parameters(config), f32 and i64. Adapters, interactions and head as the paper's code starts
// them; the trunk as timm starts a ViT (truncated normal 0.02, patch projection uniform, zero biases), for runs without
// a pre-trained one.
TensorMap init_weights(const NetworkConfig& config, std::uint64_t seed);

}  // namespace dfa::train
