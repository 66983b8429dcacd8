#include "nn/mtcnn/worker_pool.hpp"

#include <utility>

namespace dfa::mtcnn {

WorkerPool::WorkerPool(int threads) {
  for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { serve(worker); });
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  started_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::run_erased(int count, void* context, Call call) {
  const Loop loop{count, context, call};
  next_ = 0;
  // A loop of one needs nobody woken.
  const bool shared = count > 1 && !workers_.empty();
  if (shared) {
    {
      std::lock_guard lock(mutex_);
      loop_ = loop;
      busy_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    started_.notify_all();
  }
  take_part(loop, 0);
  std::unique_lock lock(mutex_);
  if (shared) finished_.wait(lock, [&] { return busy_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::serve(int worker) {
  long seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    started_.wait(lock, [&] { return ending_ || generation_ != seen; });
    if (ending_) return;
    seen = generation_;
    const Loop loop = loop_;
    lock.unlock();
    take_part(loop, worker);
    lock.lock();
    if (--busy_ == 0) finished_.notify_one();
  }
}

void WorkerPool::take_part(const Loop& loop, int worker) {
  try {
    for (int index = next_++; index < loop.count; index = next_++) loop.call(loop.context, index, worker);
  } catch (...) {
    next_ = loop.count;
    std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace dfa::mtcnn
