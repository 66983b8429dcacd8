#include "nn/ops/gemm.hpp"

#include "nn/ops/gemm_plain.hpp"

namespace dfa {

std::string_view gemm_kernel_name(GemmKernel kernel) {
  switch (kernel) {
    case GemmKernel::plain_int8:
      return "plain_int8";
    case GemmKernel::avx2_int8:
      return "avx2_int8";
    case GemmKernel::avx2_vnni_int8:
      return "avx2_vnni_int8";
    case GemmKernel::avx512_vnni_int8:
      return "avx512_vnni_int8";
    case GemmKernel::amx_int8:
      return "amx_int8";
    case GemmKernel::amx_bf16:
      break;
  }
  return "amx_bf16";
}

bool gemm_runs_here(GemmKernel kernel) {
  return kernel == GemmKernel::plain_int8;
}

GemmKernel best_int8_gemm() {
  return GemmKernel::plain_int8;
}

std::size_t packed_bytes(GemmKernel, int in, int out) {
  return static_cast<std::size_t>(in) * static_cast<std::size_t>(out);
}

void pack_int8(GemmKernel, const Int8Weights& weights, std::byte* to) {
  pack_plain(weights, to);
}

void pack_bf16(GemmKernel, std::span<const float>, int, int, std::byte*) {}

std::size_t gemm_scratch(const PackedMatrix&, int, int) {
  return 0;
}

void gemm(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination, std::byte*,
          int threads) {
  gemm_plain(matrix, src, rows, destination, threads);
}

}  // namespace dfa
