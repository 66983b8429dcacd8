// A flag that a signal handler or another thread raises and that running work looks at between two pieces.
#pragma once

#include <atomic>

namespace dfa {

// Thread-safe, and request() is safe in a signal handler (lock-free atomic).
class CancelFlag {
 public:
  // `signal`: the number of the signal that asked, so that the exit status can name it; SIGTERM's for other causes.
  void request(int signal) { signal_.store(signal, std::memory_order_relaxed); }
  bool requested() const { return signal_.load(std::memory_order_relaxed) != 0; }
  int signal() const { return signal_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> signal_{0};
  static_assert(std::atomic<int>::is_always_lock_free);
};

}  // namespace dfa
