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

  LinearWeights patch_embed() const;    // on the pixels of a patch
  LinearWeights qkv(int block) const;   // LN1 and the attention scale folded in
  LinearWeights proj(int block) const;  // layer scale folded in
  LinearWeights fc1(int block) const;   // LN2 folded in
  LinearWeights fc2(int block) const;   // layer scale folded in
  LinearWeights down(int block) const;
  LinearWeights up(int block) const;  // the adapter's scale folded in

  LinearWeights cross_q(Cross cross, int stage) const;    // query_norm and the attention scale folded in
  LinearWeights cross_kv(Cross cross, int stage) const;   // feat_norm folded in
  LinearWeights cross_out(Cross cross, int stage) const;  // an injector's gamma folded in

  // Convolution `index` (0..kSpmConvs - 1) of the spatial prior, its batch norm folded in.
  ConvWeights spm_conv(int index) const;
  // The 1x1 convolution on a level's map, the level's embedding in the bias.
  LinearWeights level(int level) const;

  LinearWeights query_kv() const;  // the read-out's norm folded in
  LinearWeights query_out() const;

 private:
  LinearWeights behind_norm(const std::string& layer, int out, const std::string& norm) const;
  LinearWeights in_proj(const std::string& prefix) const;

  const NetworkConfig& config_;
  const WeightReader& read_;
};

// The convolutions of the spatial prior in their order: the stem's, a max-pool, then one for each level.
inline constexpr int kSpmStemConvs = 3;
inline constexpr int kSpmLevels = 3;
inline constexpr int kSpmConvs = kSpmStemConvs + kSpmLevels;
// "stem.0", "stem.3", "stem.6", "conv2", "conv3", "conv4"
std::string spm_conv_name(int index);
// Sizes without weights.
ConvWeights spm_conv_shape(const NetworkConfig& config, int index);
// "fc2", "fc3", "fc4"
std::string spm_level_name(int level);

// A convolution as a layer on single pixels, an output for each output and tap: what calibration multiplies in its
// place. No bias.
LinearWeights taps_of(const ConvWeights& conv);

// 1 / sqrt(head_dim), once for each of `dim` outputs.
std::vector<double> attention_scale(int dim, int heads);

}  // namespace dfa
