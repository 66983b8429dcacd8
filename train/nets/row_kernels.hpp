// Passes over rows of bf16, or of f32 on one side and bf16 on the other: LayerNorm, softmax, their gradients, sums. One
// pass where torch takes one for each change of type besides. Sums and statistics are f32. No torch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dfa::train {

using Bf16Bits = std::uint16_t;  // the upper half of an f32

// What the backward pass needs of a row.
struct RowMoments {
  float mean = 0;
  float scale = 0;  // 1 / sqrt(variance + eps)
};

// Moments of x (dim).
RowMoments row_moments(const float* x, std::size_t dim, float eps);

// y = (x - mean) * scale * weight + bias, rounded to the nearest bf16, ties to even. All (dim).
void normalize_row(const float* x, const RowMoments& moments, const float* weight, const float* bias, std::size_t dim,
                   Bf16Bits* y);

// Gradient at x, of y as above: dx (dim) is overwritten.
void row_input_gradient(const float* x, const RowMoments& moments, const float* weight, const Bf16Bits* dy,
                        std::size_t dim, float* dx);

// Adds this row's part of the gradients at weight and bias. All (dim).
void add_row_affine_gradient(const float* x, const RowMoments& moments, const Bf16Bits* dy, std::size_t dim,
                             float* dweight, float* dbias);

// sums += row. Both (dim).
void add_row(const Bf16Bits* row, std::size_t dim, float* sums);

// row = softmax(row), in place; (size), at least 1. What is not finite makes the whole row not a number.
void softmax_row(Bf16Bits* row, std::size_t size);
// With weights = softmax(scores) and `gradient` that at the weights: gradient = that at the scores, in place. Both
// (size).
void softmax_gradient_row(const Bf16Bits* weights, std::size_t size, Bf16Bits* gradient);

// out = x + a, and where b is not null x + (a + b). All (size).
void add_narrow(const float* x, const Bf16Bits* a, const Bf16Bits* b, std::size_t size, float* out);

}  // namespace dfa::train
