// Int8 matrix products on vector registers: AVX512-VNNI, AVX-VNNI, AVX2. Packed weights: gemm_pack.hpp.
#pragma once

#include "nn/ops/gemm.hpp"
#include "nn/ops/gemm_tail.hpp"

namespace dfa {

std::size_t gemm_vector_scratch(const PackedMatrix& matrix, int rows, int threads);

// gemm() for GemmKernel::avx2_int8, avx2_vnni_int8 and avx512_vnni_int8.
void gemm_vector(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
                 std::byte* scratch, int threads);

inline constexpr std::size_t kPreparedBytes = 2;

// sums (32, 32) = a block times a strip, `steps` pieces of each.
using MultiplyBlock = void (*)(const std::byte* block, const std::byte* strip, std::size_t steps, std::int32_t* sums);

// What an instruction set gives.
struct VectorKernel {
  // Changes a packed block to what `multiply` reads, in place and in at most kPreparedBytes times its bytes. Or none.
  void (*prepare)(std::byte* block, std::size_t steps) = nullptr;
  MultiplyBlock multiply = nullptr;
  EndRows end_rows = nullptr;
};

VectorKernel avx512_vnni_kernel(Element destination);
VectorKernel avx2_vnni_kernel(Element destination);
VectorKernel avx2_kernel(Element destination);

}  // namespace dfa
