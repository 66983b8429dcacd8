// The trunk as torch modules: blocks of attention and MLP, each with its bottleneck adapter in parallel (spec
// method.md 2.2). Member names are the authors' key names, so that a parameter's path in torch is its name in the file.
//
// Axes: N crops, T tokens, D width, H heads, R bottleneck. Tokens are batch-first and contiguous; linear layers see
// (N*T, D), because torch's linear on a 3-D strided input with a frozen weight copies the weight once per token.
#pragma once

#include <torch/torch.h>

#include "nn/network_config.hpp"
#include "train/nets/attention.hpp"
#include "train/nets/rotary_positions.hpp"
#include "train/nets/tuned_linear.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

// (N, T, in) -> (N, T, out), through one (N*T, in) matrix product.
at::Tensor linear_tokens(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias);

// blocks.N.attn
struct SelfAttentionImpl : torch::nn::Module {
  SelfAttentionImpl(const NetworkConfig& config, AttentionKernel attention, const Tuning& tuning,
                    const RotaryPositions& positions);
  // Of norm(x), times `gamma` (D) where that is defined: (N, T, D) -> (N, T, D).
  at::Tensor forward(torch::nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& gamma);
  TunedLinear qkv{nullptr}, proj{nullptr};
  int heads;
  AttentionKernel kernel;
  RotaryPositions rotary;
};
TORCH_MODULE(SelfAttention);

// blocks.N.mlp: fc2(activation(fc1 x)), or, gated, fc2(activation(first half of fc1 x) * second half)
struct MlpImpl : torch::nn::Module {
  explicit MlpImpl(const NetworkConfig& config);
  // Of norm(x), times `gamma` (D) where that is defined: (N, T, D) -> (N, T, D).
  at::Tensor forward(torch::nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& gamma);
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
  Activation activation;
  bool is_gated;
};
TORCH_MODULE(Mlp);

// blocks.N.adaptor: s * Up(ReLU(Down h)); no norm of its own, and s multiplies Up's bias too.
struct AdaptorImpl : torch::nn::Module {
  explicit AdaptorImpl(const NetworkConfig& config);
  at::Tensor forward(const at::Tensor& h);  // (N, T, D) -> (N, T, D)
  torch::nn::Linear down_proj{nullptr}, up_proj{nullptr};
  at::Tensor scale;  // (1)
};
TORCH_MODULE(Adaptor);

// blocks.N.ls1, ls2: factors on what attention and MLP add
struct LayerScaleImpl : torch::nn::Module {
  explicit LayerScaleImpl(const NetworkConfig& config);
  at::Tensor gamma;  // (D)
};
TORCH_MODULE(LayerScale);

// h = x + ls1 * attn(norm1 x); y = h + ls2 * mlp(norm2 h) + adaptor(h)
struct BlockImpl : torch::nn::Module {
  BlockImpl(const NetworkConfig& config, AttentionKernel attention, const Tuning& tuning,
            const RotaryPositions& positions);
  at::Tensor forward(const at::Tensor& x);  // (N, T, D) -> (N, T, D)
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  SelfAttention attn{nullptr};
  Mlp mlp{nullptr};
  LayerScale ls1{nullptr}, ls2{nullptr};  // empty without layer scale
  Adaptor adaptor{nullptr};               // empty without GBA
};
TORCH_MODULE(Block);

// patch_embed: (N, 3, S, S) -> (N, grid*grid, D), row-major; without bias where the configuration says so
struct PatchEmbedImpl : torch::nn::Module {
  explicit PatchEmbedImpl(const NetworkConfig& config);
  at::Tensor forward(const at::Tensor& images);
  torch::nn::Conv2d proj{nullptr};
};
TORCH_MODULE(PatchEmbed);

torch::nn::LayerNorm make_norm(const NetworkConfig& config);

}  // namespace dfa::train
