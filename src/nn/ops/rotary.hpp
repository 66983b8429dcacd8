// Rotary positions: how far a patch's q and k are turned, by where it lies.
//
// Note [Rotary positions]
// DINOv3's form (transformers, modeling_dinov3_vit.py, 4.56.2). A patch of row y and column x of a grid G has the
// coordinates 2 (y + 0.5) / G - 1 and the same of x: -1 to 1 whatever the image size, so that nothing is resampled.
// With F = head_dim / 4 frequencies base^(-i / F), the angles of a head are 2 pi times coordinate times frequency: F
// for the row, then F for the column. Value j of the first half of a head and value j of its second half turn by angle
// j. Class, distillation and register tokens stay as they are. The random shift and scale of DINOv3's own pre-training
// belong to that training and are not here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/network_config.hpp"

namespace dfa {

struct RotaryTable {
  int patches = 0;
  int half = 0;                 // head_dim / 2
  std::vector<float> cos, sin;  // (patches, half)
};

// Requires: rotary positions and a checked configuration.
RotaryTable make_rotary_table(const NetworkConfig& config);

// Turns `heads` heads that lie side by side in each of the table's patches rows; row p begins at rows + p * stride.
void turn_heads(const RotaryTable& table, int heads, float* rows, std::size_t stride);
void turn_heads_bf16(const RotaryTable& table, int heads, std::uint16_t* rows, std::size_t stride);

}  // namespace dfa
