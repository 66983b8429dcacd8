// How 8-bit codes stand for the values of a tensor, and int8 weights for those of a layer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dfa {

// Note [Codes]
// A quantised tensor (rows, channels) is stored as u8: code = clamp(round(x * multipliers[channel]) + zero_point, 0,
// 255), ties to even. A multiplier of its own for every channel costs nothing while the tensor is made, and is undone
// in the weights of the layers that read it: W'[o][c] = W[o][c] / multipliers[c]. So channels that are large in every
// picture (outliers of pre-trained trunks) can be spread over the same codes as the others. W' is stored as s8 with one
// scale for each output: with q codes and w weights, y[o] = (sum_c q[c] w[o][c] - zero_point sum_c w[o][c]) scale[o]
// + bias[o]. The sums are whole numbers of 32 bits and equal on every instruction set.
struct Codes {
  std::vector<float> multipliers;  // (channels), positive
  int zero_point = 128;            // 0..255
};

struct Int8Weights {
  int in = 0;
  int out = 0;
  std::vector<std::int8_t> values;    // (out, in), -127..127
  std::vector<float> scales;          // (out)
  std::vector<std::int32_t> offsets;  // (out): zero_point sum_c w[o][c]
};

// weight (out, in), divided by the multipliers of what the layer reads, then by its largest magnitude in each row.
Int8Weights quantise_weights(std::span<const float> weight, int in, int out, const Codes& codes);

inline constexpr float kLargestCode = 255.0F;

// One value of a channel. NaN becomes the largest code.
inline std::uint8_t code_of(float value, float multiplier, int zero_point) {
  const float code = std::nearbyint(value * multiplier) + static_cast<float>(zero_point);
  return static_cast<std::uint8_t>(std::max(0.0F, std::min(kLargestCode, code)));
}

// One row of `codes.multipliers.size()` values: the oracle of the kernels (nn/ops/layer_norm.hpp has the fast one).
void encode_row(const float* values, const Codes& codes, std::uint8_t* row);

}  // namespace dfa
