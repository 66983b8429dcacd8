// The modules of a network as ONNX nodes, in the order of src/nn/vit/ref_modules. Axes: N images, T tokens, D width, C
// spatial tokens. Every function adds nodes and gives the name of the result. Private to the room.
#pragma once

#include <string>

#include "exchange/onnx_builder.hpp"
#include "nn/network_config.hpp"

namespace dfa::onnx {

// x (..., in) W^T + b -> (..., out); `name` has .weight (out, in) and .bias (out)
std::string linear(Builder& build, const std::string& x, const std::string& name);

// Over the last axis; `name` has .weight and .bias.
std::string layer_norm(Builder& build, const std::string& x, const std::string& name, double eps);

// softmax(q k^T / sqrt(D / heads)) v of q (N or 1, Tq, D), k and v (N, Tk, D) -> (N, Tq, D)
struct AttentionShape {
  int heads = 0;
  int dim = 0;  // D, of all heads together
};
std::string attention(Builder& build, const std::string& q, const std::string& k, const std::string& v,
                      AttentionShape shape);

// One block of the trunk with its adapter: x (N, T, D) -> (N, T, D). `prefix`: "blocks.0."
std::string trunk_block(Builder& build, const NetworkConfig& config, const std::string& x, const std::string& prefix);

// The query tokens (N, Tq, D) after they have looked at the source (N, Tk, D). An injector has a gate, an extractor
// none. `prefix`: "interactions.0.injector."
enum class Gate { none, gamma };
std::string cross_attention(Builder& build, const NetworkConfig& config, const std::string& query,
                            const std::string& source, const std::string& prefix, Gate gate);

// Images (N, 3, S, S) -> spatial tokens (N, C, D)
std::string spatial_prior(Builder& build, const NetworkConfig& config, const std::string& images);

// Normalised tokens (N, T or C, D) -> (N, D)
std::string query_pool(Builder& build, const NetworkConfig& config, const std::string& tokens);

}  // namespace dfa::onnx
