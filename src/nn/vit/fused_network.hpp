// The fused engine: oneDNN products and convolutions, Highway kernels between them, one plan a batch size. In f32, or
// with bf16 weights and bf16 activations between the products while streams, norms and sums stay f32.
#pragma once

#include <memory>

#include "nn/network.hpp"
#include "nn/vit/fused_weights.hpp"

namespace dfa {

// `weights` has passed check_weights; it is not needed afterwards. Errors: internal (oneDNN), out_of_memory.
// options.precision: f32 or bf16. With bf16 also: usage, where the processor has no bf16 products.
Result<std::unique_ptr<Network>> make_fused_network(const NetworkConfig& config, const TensorMap& weights,
                                                    const NetworkOptions& options,
                                                    UnreadRows unread = UnreadRows::skip);

}  // namespace dfa
