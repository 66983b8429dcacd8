// The locally-aware spatial adapters as torch modules: the convolution pyramid (SPM, spec method.md 2.3) and the
// interactions between its tokens and the trunk's (2.4). Names are the authors' key names. Axes as in vit.hpp; Tc
// spatial tokens.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "nn/network_config.hpp"
#include "train/devices/shared_batch_norm.hpp"
#include "train/nets/norm_linear.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {

// How the maps lie in memory: planar sums as the published model does, channels_last is up to twice as fast on a CPU.
enum class MapLayout { planar, channels_last };

// spm: three maps at 1/8, 1/16 and 1/32, each as tokens, fine to coarse.
struct SpmImpl : torch::nn::Module {
  SpmImpl(const NetworkConfig& config, MapLayout layout);
  // (N, 3, S, S) -> 3 x (N, side*side, D), each with its row of `level_embed` (3, D) where that is defined: added to
  // the bias of the last layer, which costs nothing.
  std::vector<at::Tensor> forward(const at::Tensor& images, const at::Tensor& level_embed);
  torch::nn::Sequential stem{nullptr}, conv2{nullptr}, conv3{nullptr}, conv4{nullptr};
  torch::nn::Conv2d fc2{nullptr}, fc3{nullptr}, fc4{nullptr};
  MapLayout layout;
};
TORCH_MODULE(Spm);

// Tokens and the norm that they go through first.
struct NormedTokens {
  torch::nn::LayerNorm& norm;
  const at::Tensor& tokens;
};

// self_attn: dense multi-head attention with stacked q, k, v rows.
struct CrossAttentionImpl : torch::nn::Module {
  CrossAttentionImpl(const NetworkConfig& config, AttentionKernel attention);
  // (N, Tq, D), (N, Tk, D) -> (N, Tq, D), times `gamma` (D) where that is defined.
  at::Tensor forward(NormedTokens query, NormedTokens feature, const at::Tensor& gamma);
  at::Tensor in_proj_weight;  // (3D, D)
  at::Tensor in_proj_bias;    // (3D)
  torch::nn::Linear out_proj{nullptr};
  int heads;
  AttentionKernel kernel;
};
TORCH_MODULE(CrossAttention);

// x <- x + gamma * MHA(query_norm x, feat_norm c)
struct InjectorImpl : torch::nn::Module {
  InjectorImpl(const NetworkConfig& config, AttentionKernel attention);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& c);
  torch::nn::LayerNorm query_norm{nullptr}, feat_norm{nullptr};
  CrossAttention self_attn{nullptr};
  at::Tensor gamma;  // (D)
};
TORCH_MODULE(Injector);

// c <- c + MHA(query_norm c, feat_norm x)
struct ExtractorImpl : torch::nn::Module {
  ExtractorImpl(const NetworkConfig& config, AttentionKernel attention);
  at::Tensor forward(const at::Tensor& c, const at::Tensor& x);
  torch::nn::LayerNorm query_norm{nullptr}, feat_norm{nullptr};
  CrossAttention self_attn{nullptr};
};
TORCH_MODULE(Extractor);

struct InteractionImpl : torch::nn::Module {
  InteractionImpl(const NetworkConfig& config, AttentionKernel attention);
  Injector injector{nullptr};
  Extractor extractor{nullptr};
};
TORCH_MODULE(Interaction);

}  // namespace dfa::train
