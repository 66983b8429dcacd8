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

std::vector<double> attention_scale(int dim, int heads) {
  const int head_width = dim / heads;  // exact: heads divides dim
  return std::vector<double>(static_cast<std::size_t>(dim), 1.0 / std::sqrt(static_cast<double>(head_width)));
}

LinearWeights FoldedLayers::behind_norm(const std::string& layer, int out, const std::string& norm) const {
  LinearWeights weights = read_linear(read_, layer, out, config_.dim);
  fold_norm_before(weights, read_(norm + ".weight"), read_(norm + ".bias"));
  return weights;
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

LinearWeights FoldedLayers::level(int level, int in) const {
  LinearWeights fc = read_linear(read_, "spm.fc" + std::to_string(level + 2), config_.dim, in);
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
