#include "nn/ops/gemm.hpp"

#include "nn/isa.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/gemm_amx.hpp"
#include "nn/ops/gemm_pack.hpp"
#include "nn/ops/gemm_plain.hpp"
#include "nn/ops/gemm_vector.hpp"

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
  switch (kernel) {
    case GemmKernel::plain_int8:
      return true;
    case GemmKernel::amx_int8:
    case GemmKernel::amx_bf16:
      return has_amx();
    case GemmKernel::avx512_vnni_int8:
      return has_avx512_vnni();
    case GemmKernel::avx2_vnni_int8:
      return has_avx2_vnni();
    case GemmKernel::avx2_int8:
      return has_avx2();
  }
  return false;
}

GemmKernel best_int8_gemm() {
  for (const GemmKernel kernel :
       {GemmKernel::amx_int8, GemmKernel::avx512_vnni_int8, GemmKernel::avx2_vnni_int8, GemmKernel::avx2_int8}) {
    if (gemm_runs_here(kernel)) return kernel;
  }
  return GemmKernel::plain_int8;
}

std::size_t packed_bytes(GemmKernel kernel, int in, int out) {
  if (kernel == GemmKernel::plain_int8) return static_cast<std::size_t>(in) * static_cast<std::size_t>(out);
  return packed_strips_bytes(kernel, in, out);
}

void pack_int8(GemmKernel kernel, const Int8Weights& weights, std::byte* to) {
  if (kernel == GemmKernel::plain_int8)
    pack_plain(weights, to);
  else
    pack_strips(weights, to);
}

void pack_bf16(GemmKernel, std::span<const float> weight, int in, int out, std::byte* to) {
  pack_strips(weight, in, out, to);
}

std::size_t gemm_scratch(const PackedMatrix& matrix, int rows, int threads) {
  switch (matrix.kernel) {
    case GemmKernel::plain_int8:
      return 0;
    case GemmKernel::amx_int8:
    case GemmKernel::amx_bf16:
      return gemm_amx_scratch(matrix, rows, threads);
    default:
      return gemm_vector_scratch(matrix, rows, threads);
  }
}

void gemm(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
          std::byte* scratch, int threads) {
  switch (matrix.kernel) {
    case GemmKernel::plain_int8:
      return gemm_plain(matrix, src, rows, destination, threads);
    case GemmKernel::amx_int8:
    case GemmKernel::amx_bf16:
      return gemm_amx(matrix, src, rows, destination, scratch, threads);
    default:
      return gemm_vector(matrix, src, rows, destination, scratch, threads);
  }
}

}  // namespace dfa
