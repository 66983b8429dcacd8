// Matrix products of our own, with everything that follows a product done before it is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "nn/ops/codes.hpp"
#include "nn/plan/element.hpp"

namespace dfa {

// What happens to a product before it is stored.
//   quick_gelu: x / (1 + exp(-1.702 x)). silu: x / (1 + exp(-x)).
enum class After { nothing, relu, gelu, quick_gelu, silu, add_to_destination };

// Which kernel multiplies. The layout of packed weights depends on it, so it is chosen when they are packed.
// plain_int8 is the oracle: loops that one can read.
enum class GemmKernel : std::uint8_t { plain_int8, avx2_int8, avx2_vnni_int8, avx512_vnni_int8, amx_int8, amx_bf16 };

std::string_view gemm_kernel_name(GemmKernel kernel);
// Whether the processor has it and the cap (nn/isa.hpp) allows it.
bool gemm_runs_here(GemmKernel kernel);
// The fastest for u8 inputs that runs here.
GemmKernel best_int8_gemm();

// A layer's weights as its kernel reads them; whoever packs owns the memory.
struct PackedMatrix {
  GemmKernel kernel = GemmKernel::plain_int8;
  int in = 0;
  int out = 0;
  const std::byte* values = nullptr;      // packed_bytes(), begins on a cache line
  const float* bias = nullptr;            // (out)
  const float* scales = nullptr;          // (out), int8 only
  const std::int32_t* offsets = nullptr;  // (out), int8 only
};

std::size_t packed_bytes(GemmKernel kernel, int in, int out);
void pack_int8(GemmKernel kernel, const Int8Weights& weights, std::byte* to);
// weight (out, in) in f32, rounded to bf16.
void pack_bf16(GemmKernel kernel, std::span<const float> weight, int in, int out, std::byte* to);

// Where a product goes: (rows, out) values, one row after the other, of any format; add_to_destination to f32 only.
struct GemmDestination {
  std::byte* values = nullptr;
  Element element = Element::f32;
  After after = After::nothing;
  const Codes* codes = nullptr;  // for u8
};

// Bytes of scratch that `threads` threads need together.
std::size_t gemm_scratch(const PackedMatrix& matrix, int rows, int threads);

// destination = after(src W^T + b), src (rows, in) of the kernel's format (u8 codes or bf16). The result does not
// depend on the number of threads. Requires gemm_runs_here(matrix.kernel).
void gemm(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
          std::byte* scratch, int threads);

}  // namespace dfa
