// What machine this is: printed beside every timing, recorded with every result.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa {

struct MachineFacts {
  std::string cpu_model;  // as the kernel names it
  int processors = 1;     // this process may use
  std::vector<std::string>
      isa;  // of avx2, fma, avx512f, avx512bw, avx512_vnni, avx512_bf16, amx_bf16, amx_int8: those present
  long memory_mib = 0;
};

MachineFacts machine_facts();

// Processors this process may use (affinity mask), at least 1; what "threads = 0" means everywhere.
int usable_processors();

// The numbers of those processors, rising; those of the calling thread's mask.
std::vector<int> usable_processor_numbers();

// Lets the calling thread run on this processor alone; what it starts later inherits that. Errors: internal (the kernel
// refused: no such processor, or not one for this process).
Status bind_thread(int processor);

// Largest resident set of this process so far, in MiB.
double peak_memory_mib();

}  // namespace dfa
