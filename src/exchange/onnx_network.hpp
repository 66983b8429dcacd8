// The network as an ONNX graph, built from its configuration and weights. Private to the room.
#pragma once

#include "exchange/onnx_graph.hpp"
#include "nn/network_config.hpp"

namespace dfa::onnx {

// What a graph is written for: LayerNormalization came with 17, and every axes attribute here is one until 18.
inline constexpr std::int64_t kOpset = 17;

// With a head the graph gives logits, probs and feature; a trunk alone feature only: its class token after the final
// LayerNorm, whatever read-out the configuration names.
enum class Head { absent, present };

// Input `images` (N, 3, S, S) f32, normalised as the crop recipe says; N is open. Outputs `logits` (N, classes),
// `probs` (N, classes), their softmax, and `feature` (N, D), what the head reads. The weights are initializers under
// their own names; those that no output needs are not in the graph (counters, a last extractor that nobody reads).
// Requires: weights that passed check_weights, but for those of an absent head.
Graph network_graph(const NetworkConfig& config, const TensorMap& weights, Head head);

}  // namespace dfa::onnx
