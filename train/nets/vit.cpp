#include "train/nets/vit.hpp"

#include "train/nets/activation.hpp"
#include "train/nets/norm_linear.hpp"
#include "train/nets/residual.hpp"
#include "train/nets/scaled_linear.hpp"

namespace dfa::train {

namespace nn = torch::nn;

namespace {

// A layer scale that learns keeps nothing of the size of the tokens when it is part of the linear layer before it. A
// frozen one keeps nothing anyway and is cheaper as a factor of what comes out.
bool learns(const at::Tensor& gamma) {
  return gamma.defined() && gamma.requires_grad();
}

at::Tensor times(const at::Tensor& out, const at::Tensor& gamma) {
  return gamma.defined() ? out * gamma.to(out.scalar_type()) : out;
}

at::Tensor gamma_of(const LayerScale& scale) {
  return scale ? scale->gamma : at::Tensor();
}

}  // namespace

at::Tensor linear_tokens(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor flat = tokens.contiguous().reshape({-1, tokens.size(-1)});
  return at::linear(flat, weight, bias).view({tokens.size(0), tokens.size(1), weight.size(0)});
}

nn::LayerNorm make_norm(const NetworkConfig& config) {
  return nn::LayerNorm(nn::LayerNormOptions({config.dim}).eps(config.norm_eps));
}

SelfAttentionImpl::SelfAttentionImpl(const NetworkConfig& config, AttentionKernel how, const Tuning& tuning,
                                     const RotaryPositions& positions)
    : qkv(register_module(
          "qkv", TunedLinear(config.dim, 3 * config.dim, LowRankShape{tuning.low_rank, tuning.rank, /*parts=*/3}))),
      proj(register_module("proj", TunedLinear(config.dim, config.dim, LowRankShape{tuning.low_rank, tuning.rank}))),
      heads(config.heads),
      kernel(how),
      rotary(positions) {}

at::Tensor SelfAttentionImpl::forward(nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& gamma) {
  const at::Tensor plain = qkv->forward(norm, x);
  const at::Tensor mixed = attend_to_itself(rotary.cos.defined() ? turned(plain, rotary) : plain, heads, kernel);
  // gamma learns with tuning "full" alone, which has no low-rank change of proj.
  return learns(gamma) ? scaled_linear(mixed, proj->weight, proj->bias, gamma) : times(proj->forward(mixed), gamma);
}

MlpImpl::MlpImpl(const NetworkConfig& config)
    : fc1(register_module("fc1", nn::Linear(config.dim, config.mlp_inner()))),
      fc2(register_module("fc2", nn::Linear(config.mlp, config.dim))),
      activation(config.activation),
      is_gated(config.gated_mlp) {}

at::Tensor MlpImpl::forward(nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& gamma) {
  const at::Tensor inner = norm_linear(norm, x, fc1->weight, fc1->bias);
  const at::Tensor hidden = is_gated ? gated(inner, activation) : activated(inner, activation);
  return learns(gamma) ? scaled_linear(hidden, fc2->weight, fc2->bias, gamma)
                       : times(linear_tokens(hidden, fc2->weight, fc2->bias), gamma);
}

AdaptorImpl::AdaptorImpl(const NetworkConfig& config)
    : down_proj(register_module("down_proj", nn::Linear(config.dim, config.bottleneck))),
      up_proj(register_module("up_proj", nn::Linear(config.bottleneck, config.dim))),
      scale(register_parameter("scale", torch::ones({1}))) {}

at::Tensor AdaptorImpl::forward(const at::Tensor& h) {
  const at::Tensor down = at::relu(linear_tokens(h, down_proj->weight, down_proj->bias));
  return scaled_linear(down, up_proj->weight, up_proj->bias, scale);
}

LayerScaleImpl::LayerScaleImpl(const NetworkConfig& config)
    : gamma(register_parameter("gamma", torch::ones({config.dim}))) {}

BlockImpl::BlockImpl(const NetworkConfig& config, AttentionKernel attention, const Tuning& tuning,
                     const RotaryPositions& positions)
    : norm1(register_module("norm1", make_norm(config))),
      norm2(register_module("norm2", make_norm(config))),
      attn(register_module("attn", SelfAttention(config, attention, tuning, positions))),
      mlp(register_module("mlp", Mlp(config))) {
  if (config.layer_scale) {
    ls1 = register_module("ls1", LayerScale(config));
    ls2 = register_module("ls2", LayerScale(config));
  }
  if (config.gba) adaptor = register_module("adaptor", Adaptor(config));
}

at::Tensor BlockImpl::forward(const at::Tensor& x) {
  const at::Tensor h = residual(x, attn->forward(norm1, x, gamma_of(ls1)));
  const at::Tensor change = mlp->forward(norm2, h, gamma_of(ls2));
  return adaptor ? residual(h, change, adaptor->forward(h)) : residual(h, change);
}

PatchEmbedImpl::PatchEmbedImpl(const NetworkConfig& config)
    : proj(register_module(
          "proj",
          nn::Conv2d(nn::Conv2dOptions(3, config.dim, config.patch).stride(config.patch).bias(config.patch_bias)))) {}

at::Tensor PatchEmbedImpl::forward(const at::Tensor& images) {
  return proj->forward(images).flatten(2).transpose(1, 2).contiguous();
}

}  // namespace dfa::train
