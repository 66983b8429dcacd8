#include "train/nets/spatial.hpp"

#include "train/nets/residual.hpp"
#include "train/nets/scaled_linear.hpp"

namespace dfa::train {

namespace nn = torch::nn;

namespace {

constexpr int kRgb = 3;

// Bias-free 3x3 convolution with padding 1, BatchNorm, ReLU, appended: three places of the Sequential.
void append_unit(nn::Sequential& unit, int in, int out, int stride) {
  unit->push_back(nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)));
  unit->push_back(SharedBatchNorm2d(nn::BatchNorm2dOptions(out).eps(1e-5).momentum(0.1)));
  unit->push_back(nn::ReLU());
}

nn::Sequential unit(int in, int out) {
  nn::Sequential made;
  append_unit(made, in, out, 2);
  return made;
}

at::Tensor map_tokens(const at::Tensor& map) {  // (N, D, h, w) -> (N, h*w, D)
  return map.flatten(2).transpose(1, 2).contiguous();
}

}  // namespace

SpmImpl::SpmImpl(const NetworkConfig& config, MapLayout map_layout) : layout(map_layout) {
  const int c = config.spm_width;
  nn::Sequential first;
  append_unit(first, kRgb, c, 2);
  append_unit(first, c, c, 1);
  append_unit(first, c, c, 1);
  first->push_back(nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1)));
  stem = register_module("stem", first);
  conv2 = register_module("conv2", unit(c, 2 * c));
  conv3 = register_module("conv3", unit(2 * c, 4 * c));
  conv4 = register_module("conv4", unit(4 * c, 4 * c));
  fc2 = register_module("fc2", nn::Conv2d(nn::Conv2dOptions(2 * c, config.dim, 1)));
  fc3 = register_module("fc3", nn::Conv2d(nn::Conv2dOptions(4 * c, config.dim, 1)));
  fc4 = register_module("fc4", nn::Conv2d(nn::Conv2dOptions(4 * c, config.dim, 1)));
}

std::vector<at::Tensor> SpmImpl::forward(const at::Tensor& images, const at::Tensor& level_embed) {
  const bool planar = layout == MapLayout::planar;
  const at::Tensor input = images.contiguous(planar ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast);
  const at::Tensor eighth = conv2->forward(stem->forward(input));
  const at::Tensor sixteenth = conv3->forward(eighth);
  const at::Tensor thirtysecond = conv4->forward(sixteenth);
  const auto tokens = [&](nn::Conv2d& layer, const at::Tensor& map, std::int64_t level) {
    const at::Tensor bias = level_embed.defined() ? layer->bias + level_embed[level] : layer->bias;
    return map_tokens(at::conv2d(map, layer->weight, bias));
  };
  return {tokens(fc2, eighth, 0), tokens(fc3, sixteenth, 1), tokens(fc4, thirtysecond, 2)};
}

CrossAttentionImpl::CrossAttentionImpl(const NetworkConfig& config, AttentionKernel attention)
    : in_proj_weight(register_parameter("in_proj_weight", torch::zeros({3 * config.dim, config.dim}))),
      in_proj_bias(register_parameter("in_proj_bias", torch::zeros({3 * config.dim}))),
      out_proj(register_module("out_proj", nn::Linear(config.dim, config.dim))),
      heads(config.lsa_heads),
      // torch's MultiheadAttention, which the published model uses, is fused itself.
      kernel(attention == AttentionKernel::timm ? AttentionKernel::fused : attention) {}

at::Tensor CrossAttentionImpl::forward(NormedTokens query, NormedTokens feature, const at::Tensor& gamma) {
  const std::int64_t d = query.tokens.size(-1);
  const auto weights = in_proj_weight.split_with_sizes({d, 2 * d}), biases = in_proj_bias.split_with_sizes({d, 2 * d});
  const at::Tensor q = norm_linear(query.norm, query.tokens, weights[0], biases[0]);
  const at::Tensor kv = norm_linear(feature.norm, feature.tokens, weights[1], biases[1]);
  const at::Tensor mixed = attend(q, kv, heads, kernel);
  if (gamma.defined()) return scaled_linear(mixed, out_proj->weight, out_proj->bias, gamma);
  return linear_tokens(mixed, out_proj->weight, out_proj->bias);
}

InjectorImpl::InjectorImpl(const NetworkConfig& config, AttentionKernel attention)
    : query_norm(register_module("query_norm", make_norm(config))),
      feat_norm(register_module("feat_norm", make_norm(config))),
      self_attn(register_module("self_attn", CrossAttention(config, attention))),
      gamma(register_parameter("gamma", torch::zeros({config.dim}))) {}

at::Tensor InjectorImpl::forward(const at::Tensor& x, const at::Tensor& c) {
  return residual(x, self_attn->forward({query_norm, x}, {feat_norm, c}, gamma));
}

ExtractorImpl::ExtractorImpl(const NetworkConfig& config, AttentionKernel attention)
    : query_norm(register_module("query_norm", make_norm(config))),
      feat_norm(register_module("feat_norm", make_norm(config))),
      self_attn(register_module("self_attn", CrossAttention(config, attention))) {}

at::Tensor ExtractorImpl::forward(const at::Tensor& c, const at::Tensor& x) {
  return residual(c, self_attn->forward({query_norm, c}, {feat_norm, x}, at::Tensor()));
}

InteractionImpl::InteractionImpl(const NetworkConfig& config, AttentionKernel attention)
    : injector(register_module("injector", Injector(config, attention))),
      extractor(register_module("extractor", Extractor(config, attention))) {}

}  // namespace dfa::train
