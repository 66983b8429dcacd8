// Multi-head attention by whole numbers on AVX512-VNNI, for the int8 engine where there are no tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/attention.hpp"

namespace dfa {

// Floats of scratch that `threads` threads need together.
std::size_t attention_vnni_scratch(const AttentionShape& shape, int threads);

// out = softmax(q k^T) v for each image and head, as attention(), with the operands rounded: Note [Attention by whole
// numbers]. Every shape will do. Requires: has_avx512_vnni().
void attention_vnni(const AttentionShape& shape, const float* q, const float* k, const float* v,
                    const AttentionOut& out, float* scratch, int threads);

// The same for bf16 operands.
void attention_vnni_bf16(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k,
                         const std::uint16_t* v, const AttentionOut& out, float* scratch, int threads);

}  // namespace dfa
