// What a residual connection adds.
#pragma once

#include <torch/torch.h>

namespace dfa::train {

// x + a. Where x is f32 and a bf16 (under autocast) in one pass, with f32 sums; the gradient at x is that of the sum.
at::Tensor residual(const at::Tensor& x, const at::Tensor& a);
// x + (a + b).
at::Tensor residual(const at::Tensor& x, const at::Tensor& a, const at::Tensor& b);

}  // namespace dfa::train
