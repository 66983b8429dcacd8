// Multi-head attention on AMX tiles, for bf16 operands.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/ops/attention.hpp"

namespace dfa {

// Whether this processor has AMX, the kernel lets us use it, and ONEDNN_MAX_CPU_ISA does not forbid it. Asks once.
bool has_amx();

// Whether the kernel can take such heads: whole tiles of 32 values.
bool fits_amx(const AttentionShape& shape);

// Floats of scratch that `threads` threads need together.
std::size_t attention_amx_scratch(const AttentionShape& shape, int threads);

// out = softmax(q k^T) v for each image and head, as attention_bf16(). Scores, weights before rounding and sums are
// f32; weights are rounded to bf16 for the second product. Requires: has_amx(), fits_amx(shape).
void attention_amx(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                   const AttentionOut& out, float* scratch, int threads);

}  // namespace dfa
