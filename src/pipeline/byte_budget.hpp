// Bounds the pixels that wait between two stages by their size: a queue of eight places may hold eight thumbnails or
// eight posters.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace dfa {

// Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t limit) : limit_(limit) {}

  // A share of the budget; given back when it goes out of scope. The budget must outlive it.
  class Lease {
   public:
    Lease() = default;
    Lease(ByteBudget* budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {}
    Lease(Lease&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Lease() {
      if (budget_ != nullptr) budget_->give_back(bytes_);
    }

   private:
    ByteBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  // Waits until `bytes` fit. What is larger than the whole budget goes alone.
  Lease take(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return used_ == 0 || used_ + bytes <= limit_; });
    used_ += bytes;
    largest_ = used_ > largest_ ? used_ : largest_;
    return {this, bytes};
  }

  // The most that was ever used at once.
  std::size_t high_water() const {
    std::lock_guard lock(mutex_);
    return largest_;
  }

 private:
  void give_back(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    used_ -= bytes;
    room_.notify_all();
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::size_t used_ = 0;
  std::size_t largest_ = 0;
};

}  // namespace dfa
