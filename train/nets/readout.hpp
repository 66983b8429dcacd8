// What lies between the tokens and the head's linear layer: query pooling and the L2 norm, as torch modules. The same
// definitions as in the engine (src/nn/vit/ref_modules.hpp); names are those of network_parameters().
#pragma once

#include <torch/torch.h>

#include "nn/network_config.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {

// readout_query: f = out(mean over K of softmax(q k^T / sqrt(W/H)) v), W = kQueryWidth, H = kQueryHeads.
struct QueryPoolImpl : torch::nn::Module {
  QueryPoolImpl(const NetworkConfig& config, AttentionKernel attention);
  at::Tensor forward(const at::Tensor& tokens);  // (N, T, D), normalised -> (N, D)
  at::Tensor queries;                            // (K, W)
  torch::nn::Linear kv{nullptr};                 // D -> 2W: k, then v
  torch::nn::Linear out{nullptr};                // W -> D
  AttentionKernel kernel;
};
TORCH_MODULE(QueryPool);

// head.0 of an L2 head, without tensors: f / max(|f|, kHeadL2Eps).
struct L2NormImpl : torch::nn::Module {
  at::Tensor forward(const at::Tensor& feature);  // (N, D) -> (N, D)
};
TORCH_MODULE(L2Norm);

}  // namespace dfa::train
