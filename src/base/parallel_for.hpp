// The same work on many items, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/cancel.hpp"

namespace dfa {

// Calls work(worker, index) for each index below `count`, in any order, on `threads` threads (at least one; worker is
// the thread's number). Items that were not begun when `cancel` was raised are left out. What `work` throws is thrown
// here, after all threads have ended. Results must not depend on the order.
template <class Work>
void parallel_for(std::size_t count, int threads, const CancelFlag& cancel, Work work) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr problem;
  std::mutex mutex;
  const auto run = [&](std::size_t worker) {
    try {
      for (std::size_t i = next++; i < count && !cancel.requested(); i = next++) work(worker, i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!problem) problem = std::current_exception();
    }
  };
  const std::size_t workers = std::clamp<std::size_t>(count, 1, static_cast<std::size_t>(std::max(threads, 1)));
  {
    std::vector<std::jthread> pool;
    for (std::size_t worker = 1; worker < workers; ++worker) pool.emplace_back(run, worker);
    run(0);
  }
  if (problem) std::rethrow_exception(problem);
}

}  // namespace dfa
