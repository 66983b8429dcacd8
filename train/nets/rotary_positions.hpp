// Rotary positions (Note [Rotary positions] in nn/ops/rotary.hpp) on the q and k of patch tokens.
#pragma once

#include <torch/torch.h>

#include "nn/network_config.hpp"

namespace dfa::train {

// Constants of a configuration: no parameter, no buffer, in no file. Undefined tensors: positions are not rotary.
struct RotaryPositions {
  at::Tensor cos, sin;      // (patches, D/H / 2) f32
  std::int64_t prefix = 0;  // tokens in front of the patches: they do not turn
};
RotaryPositions make_rotary_positions(const NetworkConfig& config);

// qkv (N, T, 3 D), all q, then k, then v -> the same with q and k of the patches turned, head by head, with f32
// products. Nothing of the size of the tokens is kept for the backward pass, which turns the other way.
at::Tensor turned(const at::Tensor& qkv, const RotaryPositions& positions);

}  // namespace dfa::train
