#include "nn/plan/arena.hpp"

#include <sys/mman.h>

#include <utility>

namespace dfa {
namespace {

// Weights and activations are walked with long strides: with 4 KiB pages the address translation alone costs several
// per cent.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

Result<Arena> Arena::reserve(std::size_t count) {
  Arena arena;
  if (count == 0) return arena;
  const std::size_t bytes = (count * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(ErrorCode::out_of_memory,
                "no room for {} MiB of network memory\n  next step: use a smaller batch or a machine with more memory",
                bytes >> 20);
  }
  madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: where the kernel has none, small pages serve
  arena.data_ = static_cast<float*>(memory);
  arena.count_ = count;
  arena.mapped_bytes_ = bytes;
  return arena;
}

Arena::~Arena() {
  if (data_ != nullptr) munmap(data_, mapped_bytes_);
}

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      count_(std::exchange(other.count_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(count_, other.count_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  return *this;
}

}  // namespace dfa
