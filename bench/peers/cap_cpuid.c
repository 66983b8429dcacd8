// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program, makes the processor look as if it lacked instruction sets: kernels that are chosen by CPUID
// and know no cap of their own (MLAS) then run as on a smaller machine. compare.py builds and uses it.
//
//   cc -O2 -shared -fPIC -o cap_cpuid.so cap_cpuid.c && DFA_CAP_CPUID=AVX2 LD_PRELOAD=./cap_cpuid.so PROGRAM
//
// Linux lets a thread ask that CPUID trap (arch_prctl ARCH_SET_CPUID, where the processor can; threads inherit it); the
// trap runs the instruction and takes the bits away. What the C library chose before, as it was loaded, stays. Without
// the means the program ends with status 86: a cap that does not hold must not look like one.
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kSetCpuid = 0x1012, kNoMeans = 86 };

// Bits of CPUID leaf 7, by the register and subleaf they stand in.
struct Missing {
  unsigned ebx, ecx, edx, eax1, edx1;
};

static const unsigned kAvx512Ebx =
    1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static const unsigned kAvx512Ecx = 1u << 1 | 1u << 6 | 1u << 12 | 1u << 14;  // VBMI, VBMI2, BITALG, VPOPCNTDQ
static const unsigned kAvx512VnniEcx = 1u << 11;
static const unsigned kAvx512OtherEdx = 1u << 2 | 1u << 3 | 1u << 8;  // 4VNNIW, 4FMAPS, VP2INTERSECT
static const unsigned kFp16Edx = 1u << 23;
static const unsigned kAmxEdx = 1u << 22 | 1u << 24 | 1u << 25;
static const unsigned kAvxVnniEax1 = 1u << 4, kAvx512Bf16Eax1 = 1u << 5, kAmxFp16Eax1 = 1u << 21;
static const unsigned kAvxIfmaEax1 = 1u << 23, kAvxNewerEdx1 = 1u << 4 | 1u << 5 | 1u << 10 |
                                                               1u << 19;  // VNNI-INT8, NE-CONVERT, VNNI-INT16, AVX10

static struct Missing missing;

// Names as in oneDNN; nonzero for one that is not known.
static int choose(const char* cap) {
  struct Missing m = {0, 0, kFp16Edx | kAmxEdx, kAmxFp16Eax1, kAvxNewerEdx1};
  if (strcmp(cap, "AVX512_CORE_BF16") == 0) return missing = m, 0;
  m.eax1 |= kAvx512Bf16Eax1 | kAvxVnniEax1 | kAvxIfmaEax1;
  if (strcmp(cap, "AVX512_CORE_VNNI") == 0) return missing = m, 0;
  m.ecx |= kAvx512VnniEcx;
  if (strcmp(cap, "AVX512_CORE") == 0) return missing = m, 0;
  m.ebx |= kAvx512Ebx;
  m.ecx |= kAvx512Ecx;
  m.edx |= kAvx512OtherEdx;
  if (strcmp(cap, "AVX2") == 0) return missing = m, 0;
  m.eax1 &= ~kAvxVnniEax1;
  if (strcmp(cap, "AVX2_VNNI") == 0) return missing = m, 0;
  return 1;
}

static long let_cpuid_run(long run) {
  return syscall(SYS_arch_prctl, kSetCpuid, run);
}

static void on_trap(int number, siginfo_t* info, void* context) {
  (void)info;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  const unsigned char* at = (const unsigned char*)registers[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0xa2) {  // a fault of the program's own: happens again, and ends it
    signal(number, SIG_DFL);
    return;
  }
  const unsigned leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX];
  unsigned a, b, c, d;
  let_cpuid_run(1);
  __cpuid_count(leaf, subleaf, a, b, c, d);
  let_cpuid_run(0);
  if (leaf == 7 && subleaf == 0) {
    b &= ~missing.ebx;
    c &= ~missing.ecx;
    d &= ~missing.edx;
  } else if (leaf == 7 && subleaf == 1) {
    a &= ~missing.eax1;
    d &= ~missing.edx1;
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void cap(void) {
  const char* name = getenv("DFA_CAP_CPUID");
  if (name == NULL) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (choose(name) != 0 || sigaction(SIGSEGV, &action, NULL) != 0 || let_cpuid_run(0) != 0) {
    fprintf(stderr, "cap_cpuid: %s is no cap that can be set here\n", name);
    _exit(kNoMeans);
  }
}
