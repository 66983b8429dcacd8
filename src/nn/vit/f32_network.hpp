// The f32 engine: oneDNN products and convolutions, Highway kernels between them, one plan a batch size.
#pragma once

#include <memory>

#include "nn/network.hpp"
#include "nn/vit/f32_weights.hpp"

namespace dfa {

// `weights` has passed check_weights; it is not needed afterwards. Errors: internal (oneDNN), out_of_memory.
Result<std::unique_ptr<Network>> make_f32_network(const NetworkConfig& config, const TensorMap& weights,
                                                  const NetworkOptions& options, UnreadRows unread = UnreadRows::skip);

}  // namespace dfa
