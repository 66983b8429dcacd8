// A linear layer times a learnt scale.
#pragma once

#include <torch/torch.h>

namespace dfa::train {

// scale * (tokens W^T + b): (N, T, in) -> (N, T, out). `scale`: (1), or (out).
//
// Nothing of the size of the tokens is kept for the scale's gradient: with G the gradient at W for a scale of 1, it is
// the sum of G * W over the inputs, and likewise for the bias. Under bf16 autocast the scale goes into weight and bias,
// which are fewer than the tokens; elsewhere the products are scaled as in the definition.
at::Tensor scaled_linear(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& scale);

}  // namespace dfa::train
