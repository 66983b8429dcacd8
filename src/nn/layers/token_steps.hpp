// Steps of our own kernels: everything between two matrix products that is not fused into one of them.
#pragma once

#include <memory>
#include <vector>

#include "nn/network.hpp"
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

// `weights` outlives the step.
std::unique_ptr<Step> make_layer_norm_step(const LayerNormShape& shape, const NormWeights& weights, Slice src,
                                           Slice dst, int threads);

std::unique_ptr<Step> make_attention_step(Plan& plan, const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out,
                                          int threads);

// Images (N, 3, S, S) to rows (N * (S/P)^2, 3 P P): one row a patch, in the order of the patch weights.
std::unique_ptr<Step> make_patches_step(int images, int side, int patch, Slice dst, int threads);

// Images (N, 3, S, S) to (N, O, O, 3), resized bilinearly where O differs from S.
std::unique_ptr<Step> make_channels_last_step(Plan& plan, int images, int side, int out_side, Slice dst, int threads);

// x (N, T, D): the first `prefix` rows of an image are those of embed, row prefix + p is patches[p] + embed[prefix +
// p]. embed (T, D) outlives the step.
std::unique_ptr<Step> make_assemble_step(int images, int prefix, int tokens, int dim, const std::vector<float>& embed,
                                         Slice patches, Slice x, int threads);

// Where q or k of a fused projection lie: token t of image n begins (n * tokens + t) * row floats into `values`.
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

// dst (rows, width) = silu(src[:, :width]) * src[:, width:], or another activation; src (rows, 2 width).
std::unique_ptr<Step> make_gate_step(int rows, int width, Activation activation, Slice src, Slice dst, int threads);

// Shows x (N, T, D) to `observer` as what leaves block `block`. `observer` outlives the step.
std::unique_ptr<Step> make_observe_step(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x);

// Token 0 of each image: (N, T, D) to (N, D).
std::unique_ptr<Step> make_first_rows_step(int images, int tokens, int dim, Slice src, Slice dst);

// Mean over the tokens of each level, then over the levels: (N, sum of level_tokens, D) to (N, D).
std::unique_ptr<Step> make_level_mean_step(int images, std::vector<int> level_tokens, int dim, Slice src, Slice dst);

// The same `values` for every run, where a step reads from the workspace. `values` outlives the step.
std::unique_ptr<Step> make_constant_step(const std::vector<float>& values, Slice dst);

// Rows divided by max(their L2 norm, eps): (rows, D) to (rows, D).
std::unique_ptr<Step> make_l2_step(int rows, int dim, double eps, Slice src, Slice dst);

// Copies what the caller wants out of the workspace.
std::unique_ptr<Step> make_output_step(int images, int dim, int classes, Slice feature, Slice logits);

}  // namespace dfa
