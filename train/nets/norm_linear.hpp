// LayerNorm and the linear layer behind it as one step.
#pragma once

#include <torch/torch.h>

namespace dfa::train {

// Whether products of x (f32) are taken in bf16 here: under autocast on the CPU. Elsewhere sums keep the order of the
// definition.
bool is_narrowed(const at::Tensor& x);

// linear(norm(x)): (N, T, in) -> (N, T, out).
//
// Under bf16 autocast one pass makes the norm's bf16 result, and only x is kept for the backward pass, which makes that
// result again where the weight's gradient wants it: it is half as large as x, and quick to make. Without autocast the
// two modules one after the other, and the norm's result is not kept either where a trained weight would ask for it.
at::Tensor norm_linear(torch::nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& weight,
                       const at::Tensor& bias);

}  // namespace dfa::train
