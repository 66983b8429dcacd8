// Counts what the heap is asked for while a scope lives, apart for code of ours and code inside oneDNN or OpenMP.
#pragma once

#include <cstddef>

namespace dfa::test {

struct AllocationCount {
  long ours = 0;
  std::size_t our_bytes = 0;
  long libraries = 0;
  std::size_t library_bytes = 0;
};

// Counts on every thread from begin to end. One at a time.
void begin_counting_allocations();
AllocationCount end_counting_allocations();

}  // namespace dfa::test
