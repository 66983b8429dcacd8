#include "nn/isa.hpp"

#include <cpuid.h>
#include <hwy/targets.h>

#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>

namespace dfa {
namespace {

// Highway's targets above what `isa` allows.
std::int64_t targets_above(dnnl::cpu_isa isa) {
  constexpr std::int64_t kAvx512 = HWY_AVX3 | HWY_AVX3_DL;
  switch (isa) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:  // Highway has no target for AVX alone
      return kAvx512 | HWY_AVX2;
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx2_vnni:
      return kAvx512;
    default:
      return 0;
  }
}

bool processor_has_avx_vnni() {
  constexpr unsigned kAvxVnni = 1U << 4;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
}

}  // namespace

std::string_view effective_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "other";
  }
}

bool has_bf16_products() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

bool has_avx2() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa != dnnl::cpu_isa::sse41 && isa != dnnl::cpu_isa::avx && __builtin_cpu_supports("avx2") != 0 &&
         __builtin_cpu_supports("fma") != 0;
}

bool has_avx2_vnni() {
  // Not every processor with AVX512-VNNI has its 256-bit encoding of its own.
  return (dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx2_vnni || has_avx512_vnni()) && processor_has_avx_vnni();
}

bool has_vnni() {
  return has_avx512_vnni() || has_avx2_vnni();
}

bool has_avx512_vnni() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return true;
    default:
      return false;
  }
}

void cap_highway() {
  static std::once_flag once;
  std::call_once(once, [] {
    // A processor without AVX-512 is reported as avx2 as well: disabling what it lacks changes nothing.
    const std::int64_t above = targets_above(dnnl::get_effective_cpu_isa());
    if (above != 0) hwy::DisableTargets(above);
  });
}

}  // namespace dfa
