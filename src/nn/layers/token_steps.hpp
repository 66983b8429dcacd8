// Steps of our own kernels between two matrix products of a block, where they are not fused into one of them.
#pragma once

#include <memory>
#include <vector>

#include "nn/network_config.hpp"
#include "nn/ops/attention.hpp"
#include "nn/ops/layer_norm.hpp"
#include "nn/ops/rotary.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

// Weight and bias of a LayerNorm that could not be folded into the next layer; empty: 1 and 0.
struct NormWeights {
  std::vector<float> weight;
  std::vector<float> bias;
};

// src f32, dst any format. `weights` outlives the step.
std::unique_ptr<Step> make_layer_norm_step(const LayerNormShape& shape, const NormWeights& weights, Slice src,
                                           Slice dst, int threads);

// q, k, v and out of one format.
std::unique_ptr<Step> make_attention_step(Plan& plan, const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out,
                                          int threads);

// Where q or k of a fused projection lie: token t of image n begins (n * tokens + t) * row values into `values`.
struct TurnedRows {
  Slice values;
  int images = 0;
  int prefix = 0;  // tokens in front of the patches, which do not turn
  int tokens = 0;
  int row = 0;
  int heads = 0;
};
// Note [Rotary positions], in place. `table` outlives the step.
std::unique_ptr<Step> make_turn_step(const RotaryTable& table, const TurnedRows& rows, int threads);

// dst (rows, width) = silu(src[:, :width]) * src[:, width:], or another activation; src (rows, 2 width), f32 or bf16,
// dst of the same format or codes.
std::unique_ptr<Step> make_gate_step(int rows, int width, Activation activation, Slice src, Slice dst, int threads);

// dst (bf16 or codes) = src (f32), both (rows, channels).
std::unique_ptr<Step> make_narrow_step(int rows, int channels, Slice src, Slice dst, int threads);

}  // namespace dfa
