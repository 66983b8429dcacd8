#include "nn/vit/folded_layers.hpp"

#include <cmath>

#include "nn/vit/fold.hpp"

namespace dfa {
namespace {

std::string block_prefix(int block) {
  return "blocks." + std::to_string(block) + ".";
}

std::string cross_prefix(Cross cross, int stage) {
  return "interactions." + std::to_string(stage) + (cross == Cross::injector ? ".injector." : ".extractor.");
}

}  // namespace

std::string spm_conv_name(int index) {
  if (index < kSpmStemConvs) return "stem." + std::to_string(3 * index);
  return "conv" + std::to_string(index - kSpmStemConvs + 2);
}

std::string spm_level_name(int level) {
  return "fc" + std::to_string(level + 2);
}

ConvWeights spm_conv_shape(const NetworkConfig& config, int index) {
  struct Sizes {
    int in, out, stride;
  };
  const int c = config.spm_width;
  const Sizes sizes[kSpmConvs] = {{3, c, 2}, {c, c, 1}, {c, c, 1}, {c, 2 * c, 2}, {2 * c, 4 * c, 2}, {4 * c, 4 * c, 2}};
  return {.in = sizes[index].in, .out = sizes[index].out, .stride = sizes[index].stride, .weight = {}, .bias = {}};
}

LinearWeights taps_of(const ConvWeights& conv) {
  const std::size_t in = static_cast<std::size_t>(conv.in), out = static_cast<std::size_t>(conv.out);
  const std::size_t taps = static_cast<std::size_t>(conv.kernel) * static_cast<std::size_t>(conv.kernel);
  LinearWeights layer{conv.in, conv.out * conv.kernel * conv.kernel, std::vector<float>(out * taps * in),
                      std::vector<float>(out * taps)};
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t i = 0; i < in; ++i)
      for (std::size_t tap = 0; tap < taps; ++tap)
        layer.weight[(o * taps + tap) * in + i] = conv.weight[(o * in + i) * taps + tap];
  return layer;
}

std::vector<double> attention_scale(int dim, int heads) {
  const int head_width = dim / heads;  // exact: heads divides dim
  return std::vector<double>(static_cast<std::size_t>(dim), 1.0 / std::sqrt(static_cast<double>(head_width)));
}

LinearWeights FoldedLayers::behind_norm(const std::string& layer, int out, const std::string& norm) const {
  LinearWeights weights = read_linear(read_, layer, out, config_.dim);
  fold_norm_before(weights, read_(norm + ".weight"), read_(norm + ".bias"));
  return weights;
}

LinearWeights FoldedLayers::patch_embed() const {
  return read_patch_embed(read_, config_);
}

LinearWeights FoldedLayers::qkv(int block) const {
  const std::string prefix = block_prefix(block);
  LinearWeights weights = behind_norm(prefix + "attn.qkv", 3 * config_.dim, prefix + "norm1");
  scale_outputs(weights, 0, attention_scale(config_.dim, config_.heads));
  return weights;
}

LinearWeights FoldedLayers::proj(int block) const {
  const std::string prefix = block_prefix(block);
  LinearWeights weights = read_linear(read_, prefix + "attn.proj", config_.dim, config_.dim);
  if (config_.layer_scale) scale_outputs(weights, read_(prefix + "ls1.gamma"));
  return weights;
}

LinearWeights FoldedLayers::fc1(int block) const {
  const std::string prefix = block_prefix(block);
  return behind_norm(prefix + "mlp.fc1", config_.mlp_inner(), prefix + "norm2");
}

LinearWeights FoldedLayers::fc2(int block) const {
  const std::string prefix = block_prefix(block);
  LinearWeights weights = read_linear(read_, prefix + "mlp.fc2", config_.dim, config_.mlp);
  if (config_.layer_scale) scale_outputs(weights, read_(prefix + "ls2.gamma"));
  return weights;
}

LinearWeights FoldedLayers::down(int block) const {
  return read_linear(read_, block_prefix(block) + "adaptor.down_proj", config_.bottleneck, config_.dim);
}

LinearWeights FoldedLayers::up(int block) const {
  const std::string prefix = block_prefix(block) + "adaptor.";
  LinearWeights weights = read_linear(read_, prefix + "up_proj", config_.dim, config_.bottleneck);
  const std::vector<double> scale(static_cast<std::size_t>(config_.dim), read_(prefix + "scale").front());
  scale_outputs(weights, 0, scale);
  return weights;
}

LinearWeights FoldedLayers::in_proj(const std::string& prefix) const {
  return {config_.dim, 3 * config_.dim, read_(prefix + "self_attn.in_proj_weight"),
          read_(prefix + "self_attn.in_proj_bias")};
}

LinearWeights FoldedLayers::cross_q(Cross cross, int stage) const {
  const std::string prefix = cross_prefix(cross, stage);
  LinearWeights q = output_rows(in_proj(prefix), 0, config_.dim);
  fold_norm_before(q, read_(prefix + "query_norm.weight"), read_(prefix + "query_norm.bias"));
  scale_outputs(q, 0, attention_scale(config_.dim, config_.lsa_heads));
  return q;
}

LinearWeights FoldedLayers::cross_kv(Cross cross, int stage) const {
  const std::string prefix = cross_prefix(cross, stage);
  LinearWeights kv = output_rows(in_proj(prefix), config_.dim, 2 * config_.dim);
  fold_norm_before(kv, read_(prefix + "feat_norm.weight"), read_(prefix + "feat_norm.bias"));
  return kv;
}

LinearWeights FoldedLayers::cross_out(Cross cross, int stage) const {
  const std::string prefix = cross_prefix(cross, stage);
  LinearWeights out = read_linear(read_, prefix + "self_attn.out_proj", config_.dim, config_.dim);
  if (cross == Cross::injector) scale_outputs(out, read_(prefix + "gamma"));
  return out;
}

ConvWeights FoldedLayers::spm_conv(int index) const {
  const bool stem = index < kSpmStemConvs;
  const std::string name = "spm." + spm_conv_name(index) + (stem ? "" : ".0");
  const std::string norm = stem ? "spm.stem." + std::to_string(3 * index + 1) : "spm." + spm_conv_name(index) + ".1";
  return read_folded_conv(read_, name, norm, spm_conv_shape(config_, index));
}

LinearWeights FoldedLayers::level(int level) const {
  const int in = spm_conv_shape(config_, kSpmStemConvs + level).out;
  LinearWeights fc = read_linear(read_, "spm." + spm_level_name(level), config_.dim, in);
  const std::vector<float> embed = read_("level_embed");
  for (std::size_t i = 0; i < fc.bias.size(); ++i)
    fc.bias[i] += embed[static_cast<std::size_t>(level) * fc.bias.size() + i];
  return fc;
}

LinearWeights FoldedLayers::query_kv() const {
  return behind_norm("readout_query.kv", 2 * kQueryWidth, readout_norm_name(config_));
}

LinearWeights FoldedLayers::query_out() const {
  return read_linear(read_, "readout_query.out", config_.dim, kQueryWidth);
}

}  // namespace dfa
