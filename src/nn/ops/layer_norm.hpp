// LayerNorm over rows, vectorised for the processor at hand (Highway).
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/codes.hpp"

namespace dfa {

struct LayerNormShape {
  int rows = 0;
  int dim = 0;                 // D
  std::size_t src_stride = 0;  // floats from one row to the next
  std::size_t dst_stride = 0;
  float eps = 0;
};

// dst = (src - mean) / sqrt(variance + eps) * weight + bias; weight and bias (D) may both be null: 1 and 0.
// Rows are shared among `threads`. src and dst may be the same, but must not overlap otherwise.
void layer_norm(const LayerNormShape& shape, const float* src, const float* weight, const float* bias, float* dst,
                int threads);

// The same, each value rounded once to bf16. dst does not overlap src.
void layer_norm_bf16(const LayerNormShape& shape, const float* src, const float* weight, const float* bias,
                     std::uint16_t* dst, int threads);

// The same as codes (Note [Codes]) of `dim` channels. dst does not overlap src.
void layer_norm_u8(const LayerNormShape& shape, const float* src, const float* weight, const float* bias,
                   const Codes& codes, std::uint8_t* dst, int threads);

// dst = src rounded to bf16, ties to even.
void narrow_values(const float* src, std::size_t count, std::uint16_t* dst, int threads);

// dst = the codes of src, `rows` rows of codes.multipliers.size() values: what encode_row() gives.
void encode_values(const float* src, int rows, const Codes& codes, std::uint8_t* dst, int threads);

}  // namespace dfa
