#include "train/devices/batch_memory.hpp"

#include <torch/torch.h>

#include <map>
#include <mutex>
#include <new>

namespace dfa::train {

namespace {

// Torch keeps a pinned block from being handed out again until the copies from it are done, and reuses it then.
class PinnedMemory : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t) override {
    at::Tensor block;
    try {
      block = torch::empty({static_cast<std::int64_t>(bytes)}, torch::TensorOptions(torch::kUInt8).pinned_memory(true));
    } catch (const std::exception&) {
      throw std::bad_alloc();
    }
    const std::lock_guard lock(mutex_);
    return blocks_.emplace(block.data_ptr(), block).first->first;
  }
  void do_deallocate(void* at, std::size_t, std::size_t) override {
    at::Tensor block;  // freed without the lock
    const std::lock_guard lock(mutex_);
    block = std::move(blocks_.extract(at).mapped());
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::mutex mutex_;
  std::map<void*, at::Tensor> blocks_;
};

}  // namespace

std::unique_ptr<std::pmr::memory_resource> batch_memory(const Device& device) {
  if (device.kind == DeviceKind::cpu) return nullptr;
  return std::make_unique<PinnedMemory>();
}

}  // namespace dfa::train
