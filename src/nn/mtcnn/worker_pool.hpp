// Threads that share the loops of one detector. Sleeping between loops: a detector is one stage of a pipeline, and the
// processors belong to the others while it waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace dfa::mtcnn {

// Not thread-safe: one run() at a time.
class WorkerPool {
 public:
  // threads >= 1 counts the caller of run(): with 1 there is no other thread.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(index, worker) once for every index in 0 .. count-1, worker in 0 .. threads()-1; returns when all have
  // returned. An exception ends the loop early and is thrown again here.
  template <class Body>
  void run(int count, Body body) {
    run_erased(count, &body,
               [](void* context, int index, int worker) { (*static_cast<Body*>(context))(index, worker); });
  }

 private:
  using Call = void (*)(void* context, int index, int worker);
  struct Loop {
    int count = 0;
    void* context = nullptr;
    Call call = nullptr;
  };

  void run_erased(int count, void* context, Call call);
  void serve(int worker);
  void take_part(const Loop& loop, int worker);

  std::mutex mutex_;
  std::condition_variable started_, finished_;
  Loop loop_;
  long generation_ = 0;  // of loop_: a worker takes part in each once
  int busy_ = 0;
  bool ending_ = false;
  std::exception_ptr failure_;
  std::atomic<int> next_{0};
  std::vector<std::thread> workers_;
};

}  // namespace dfa::mtcnn
