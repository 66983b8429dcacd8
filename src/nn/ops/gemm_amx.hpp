// Matrix products on AMX tiles. Packed weights: gemm_pack.hpp.
#pragma once

#include "nn/ops/gemm.hpp"

namespace dfa {

std::size_t gemm_amx_scratch(const PackedMatrix& matrix, int rows, int threads);

// gemm() for GemmKernel::amx_int8 and amx_bf16.
void gemm_amx(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
              std::byte* scratch, int threads);

}  // namespace dfa
