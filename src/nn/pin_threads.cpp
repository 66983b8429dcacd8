#include "nn/pin_threads.hpp"

#include <omp.h>

#include "base/machine.hpp"

namespace dfa {

Status pin_engine_threads(std::span<const int> processors) {
  Status status;
  const int threads = static_cast<int>(processors.size());
  if (threads == 0) return status;
#pragma omp parallel num_threads(threads)
  {
    // Where the machine gives fewer threads than were asked for, processors are left over.
    Status bound = bind_thread(processors[static_cast<std::size_t>(omp_get_thread_num())]);
#pragma omp critical
    if (!bound) status = std::move(bound);
  }
  return status;
}

}  // namespace dfa
