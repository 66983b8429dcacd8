// The oracle of the int8 products: loops that one can read.
#pragma once

#include "nn/ops/gemm.hpp"

namespace dfa {

// As they are: (out, in).
void pack_plain(const Int8Weights& weights, std::byte* to);

// gemm() for GemmKernel::plain_int8.
void gemm_plain(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
                int threads);

// After::... of one value, add_to_destination apart.
float apply_after(After after, float value);

}  // namespace dfa
