// The modules of the network for the ref engine: weights, and a forward pass of one image each.
// Axes: T tokens of the trunk, C tokens of the spatial maps, D width.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/network_config.hpp"
#include "nn/ops/ref_ops.hpp"
#include "nn/ops/rotary.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa::ref {

using Tokens = std::vector<float>;  // (T, D) or (C, D)

// y = h + g2 MLP(LN2 h) + s Up(ReLU(Down h)), h = x + g1 Attn(LN1 x); g1 and g2 are 1 without layer scale
class Block {
 public:
  Block(const NetworkConfig& config, const WeightReader& read, const std::string& prefix);
  // `rotary` with rotary positions only.
  void forward(Tokens& x, const std::optional<RotaryTable>& rotary, int threads) const;

 private:
  struct Adapter {
    Linear down, up;
    float scale = 0;
  };
  Tokens self_attention(const Tokens& x, const std::optional<RotaryTable>& rotary, int threads) const;
  Tokens mlp(const Tokens& x, int threads) const;

  int dim_, heads_;
  int prefix_tokens_;
  Activation activation_;
  int mlp_width_;  // behind the gate
  bool gated_;
  Norm norm1_, norm2_;
  Linear qkv_, proj_, fc1_, fc2_;
  std::vector<float> scale1_, scale2_;  // empty without layer scale
  std::optional<Adapter> adapter_;
};

// query + gamma * MHA(LN_q(query), LN_f(source)); the extractor has no gamma.
class CrossAttention {
 public:
  CrossAttention(const NetworkConfig& config, const WeightReader& read, const std::string& prefix, bool gated);
  void forward(Tokens& query, const Tokens& source, int threads) const;

 private:
  int dim_, heads_;
  Norm query_norm_, feat_norm_;
  Linear q_, kv_, out_;
  std::vector<float> gamma_;  // empty: no gate
};

// Image (3, S, S) to spatial tokens (C, D), fine to coarse.
class SpatialPrior {
 public:
  SpatialPrior(const NetworkConfig& config, const WeightReader& read);
  Tokens forward(const Map& image, int threads) const;

 private:
  struct ConvNorm {
    Conv conv;
    BatchNorm norm;
    Map forward(const Map& x, int threads) const;
  };
  static ConvNorm read_conv_norm(const WeightReader& read, const std::string& conv, const std::string& norm,
                                 Conv shape);

  int dim_;
  std::vector<ConvNorm> stem_;
  std::vector<ConvNorm> convs_;  // conv2, conv3, conv4
  std::vector<Conv> fcs_;        // fc2, fc3, fc4
  std::vector<float> level_embed_;
};

// K learned queries over all tokens: the mean of what they gather, brought back to width D.
class QueryPool {
 public:
  QueryPool(const NetworkConfig& config, const WeightReader& read);
  Tokens forward(const Tokens& tokens, int threads) const;  // (T, D), normalised -> (D)

 private:
  int dim_, queries_count_;
  std::vector<float> queries_;  // (K, W)
  Linear kv_, out_;
};

// x / max(|x|, kHeadL2Eps)
void l2_normalise(std::span<float> x);

Norm read_norm(const WeightReader& read, const std::string& name, double eps);

}  // namespace dfa::ref
