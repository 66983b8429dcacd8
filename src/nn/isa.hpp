// The instruction set that kernels are chosen from.
#pragma once

#include <string_view>

namespace dfa {

// The best set that oneDNN uses here, in its words: "avx2", "avx512_core", "avx512_core_amx". The environment variable
// ONEDNN_MAX_CPU_ISA (or DNNL_MAX_CPU_ISA) lowers it, and with it the Highway kernels: one cap for both libraries.
std::string_view effective_isa();
// Whether oneDNN may use bf16 products here: AVX512-BF16 or AMX, not capped away.
bool has_bf16_products();
// Whether kernels for AVX2, AVX-VNNI (256 bits) and AVX512-VNNI may run: the processor has them and the cap allows
// them. A cap at AVX512_CORE forbids both kinds of VNNI, as oneDNN sees it.
bool has_avx2();
bool has_avx2_vnni();
bool has_avx512_vnni();
// Whether four products of codes are added at once in 32 bits, by either kind. Without it oneDNN adds pairs of them in
// 16 bits, which saturate.
bool has_vnni();

// Applies the cap to Highway. Every engine calls it before its first kernel; thread-safe, repeated calls do nothing.
void cap_highway();

}  // namespace dfa
