// Exact foldings for inference (spec method.md 2.6): what is constant between two products is computed once, in double,
// at load.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/layers/linear_weights.hpp"
#include "nn/network_config.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa {

LinearWeights read_linear(const WeightReader& read, const std::string& name, int out, int in);

// The patches' convolution as a layer on their pixels; zeros for a bias that the kind has not.
LinearWeights read_patch_embed(const WeightReader& read, const NetworkConfig& config);

// W (g * n + b) + c  =  (W diag(g)) n + (W b + c): the affine part of a LayerNorm goes into the layer that reads it.
void fold_norm_before(LinearWeights& layer, std::span<const float> weight, std::span<const float> bias);

// Output rows [first, first + factors.size()) times factors: gates, scales.
void scale_outputs(LinearWeights& layer, int first, std::span<const double> factors);

// Every output row times its factor: layer scale.
void scale_outputs(LinearWeights& layer, std::span<const float> factors);

// Output rows [first, first + count) as a layer of their own.
LinearWeights output_rows(const LinearWeights& layer, int first, int count);

// ReLU(BN(conv x)) = ReLU(conv' x + b'). `conv` has sizes only; its weights are read.
ConvWeights read_folded_conv(const WeightReader& read, const std::string& conv_name, const std::string& norm_name,
                             ConvWeights conv);

// Linear(BN(f)) with a BatchNorm without affine part; the linear layer as it is with the other heads.
LinearWeights read_folded_head(const WeightReader& read, const NetworkConfig& config);

}  // namespace dfa
