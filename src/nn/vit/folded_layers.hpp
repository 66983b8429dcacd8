// The layers of a network as the fused engine multiplies them: everything foldable folded in (nn/vit/fold.hpp).
#pragma once

#include <string>

#include "nn/layers/linear_weights.hpp"
#include "nn/network_config.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa {

enum class Cross { injector, extractor };

class FoldedLayers {
 public:
  // Both outlive it.
  FoldedLayers(const NetworkConfig& config, const WeightReader& read) : config_(config), read_(read) {}

  LinearWeights qkv(int block) const;   // LN1 and the attention scale folded in
  LinearWeights proj(int block) const;  // layer scale folded in
  LinearWeights fc1(int block) const;   // LN2 folded in
  LinearWeights fc2(int block) const;   // layer scale folded in
  LinearWeights down(int block) const;
  LinearWeights up(int block) const;  // the adapter's scale folded in

  LinearWeights cross_q(Cross cross, int stage) const;    // query_norm and the attention scale folded in
  LinearWeights cross_kv(Cross cross, int stage) const;   // feat_norm folded in
  LinearWeights cross_out(Cross cross, int stage) const;  // an injector's gamma folded in

  // A 1x1 convolution on a level's map (channels `in`), the level's embedding in the bias.
  LinearWeights level(int level, int in) const;

  LinearWeights query_kv() const;  // the read-out's norm folded in
  LinearWeights query_out() const;

 private:
  LinearWeights behind_norm(const std::string& layer, int out, const std::string& norm) const;
  LinearWeights in_proj(const std::string& prefix) const;

  const NetworkConfig& config_;
  const WeightReader& read_;
};

// 1 / sqrt(head_dim), once for each of `dim` outputs.
std::vector<double> attention_scale(int dim, int heads);

}  // namespace dfa
