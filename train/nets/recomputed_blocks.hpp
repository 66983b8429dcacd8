// Blocks whose activations are made again in the backward pass instead of being kept (gradient checkpointing).
#pragma once

#include <torch/torch.h>

#include <functional>

namespace dfa::train {

// blocks(x), of which only x is kept: the backward pass runs them once more, under the same autocast, and adds to the
// gradients of the tensors that they read. The result always asks for a gradient. Requires: the same result each time,
// and `blocks` alive until the backward pass is over.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& blocks, const at::Tensor& x);

}  // namespace dfa::train
