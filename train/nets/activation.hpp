// Activations of the trunk's MLP, plain and gated, with no more kept for the backward pass than what comes in.
#pragma once

#include <torch/torch.h>

#include "nn/network_config.hpp"

namespace dfa::train {

// Of every value.
at::Tensor activated(const at::Tensor& x, Activation activation);
// both: (N, T, 2 M), the halves side by side -> (N, T, M), activation(first) * second. Only `both` is kept: the
// activation of the first half is made again in the backward pass.
at::Tensor gated(const at::Tensor& both, Activation activation);

}  // namespace dfa::train
