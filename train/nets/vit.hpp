// The trunk as torch modules: blocks of attention and MLP, each with its bottleneck adapter in parallel (spec
// method.md 2.2). Member names are the authors' key names, so that a parameter's path in torch is its name in the file.
//
// Axes: N crops, T tokens, D width, H heads, R bottleneck. Tokens are batch-first and contiguous; linear layers see
// (N*T, D), because torch's linear on a 3-D strided input with a frozen weight copies the weight once per token.
#pragma once

#include <torch/torch.h>

#include "nn/network_config.hpp"
#include "train/nets/attention.hpp"
#include "train/nets/tuned_linear.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

// (N, T, in) -> (N, T, out), through one (N*T, in) matrix product.
at::Tensor linear_tokens(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias);

// blocks.N.attn
struct SelfAttentionImpl : torch::nn::Module {
  SelfAttentionImpl(const NetworkConfig& config, AttentionKernel attention, const Tuning& tuning);
  at::Tensor forward(torch::nn::LayerNorm& norm, const at::Tensor& x);  // of norm(x): (N, T, D) -> (N, T, D)
  TunedLinear qkv{nullptr}, proj{nullptr};
  int heads;
  AttentionKernel kernel;
};
TORCH_MODULE(SelfAttention);

// blocks.N.mlp: exact (erf) GELU
struct MlpImpl : torch::nn::Module {
  explicit MlpImpl(const NetworkConfig& config);
  at::Tensor forward(torch::nn::LayerNorm& norm, const at::Tensor& x);  // of norm(x): (N, T, D) -> (N, T, D)
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
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

// h = x + attn(norm1 x); y = h + mlp(norm2 h) + adaptor(h)
struct BlockImpl : torch::nn::Module {
  BlockImpl(const NetworkConfig& config, AttentionKernel attention, const Tuning& tuning);
  at::Tensor forward(const at::Tensor& x);  // (N, T, D) -> (N, T, D)
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  SelfAttention attn{nullptr};
  Mlp mlp{nullptr};
  Adaptor adaptor{nullptr};  // empty without GBA
};
TORCH_MODULE(Block);

// patch_embed: (N, 3, S, S) -> (N, grid*grid, D), row-major
struct PatchEmbedImpl : torch::nn::Module {
  explicit PatchEmbedImpl(const NetworkConfig& config);
  at::Tensor forward(const at::Tensor& images);
  torch::nn::Conv2d proj{nullptr};
};
TORCH_MODULE(PatchEmbed);

torch::nn::LayerNorm make_norm(const NetworkConfig& config);

}  // namespace dfa::train
