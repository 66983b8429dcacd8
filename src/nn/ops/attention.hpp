// Multi-head attention that never writes the matrix of scores: tiles with a running softmax (Highway).
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/codes.hpp"
#include "nn/plan/element.hpp"

namespace dfa {

// Head h of token t of image n begins at n * image + t * row + h * head_dim values.
struct TokenStrides {
  std::size_t image = 0;
  std::size_t row = 0;
};

struct AttentionShape {
  int images = 0;  // N
  int heads = 0;   // H
  int head_dim = 0;
  int queries = 0;  // tokens an image
  int keys = 0;     // tokens an image
  TokenStrides q, kv, out;
};

// Where the result goes, in any format. Codes (Note [Codes]) have a channel for each of the H * head_dim values of a
// token.
struct AttentionOut {
  std::byte* values = nullptr;
  Element element = Element::f32;
  const Codes* codes = nullptr;  // for u8
};

// Floats of scratch that `threads` threads need together.
std::size_t attention_scratch(const AttentionShape& shape, int threads);

// out = softmax(q k^T) v for each image and head. The scale 1 / sqrt(head_dim) is expected in q already.
// Work is shared among `threads` by (image, head, group of queries). scratch: attention_scratch() floats.
void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, const AttentionOut& out,
               float* scratch, int threads);

// The same for bf16 operands. Sums, scores and weights are f32; only what is read and the result are narrow.
void attention_bf16(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                    const AttentionOut& out, float* scratch, int threads);

}  // namespace dfa
