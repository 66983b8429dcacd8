// Replaces operator new and the malloc family of the test program. A call is a library's when its return address lies
// in libdnnl or libgomp; everything else is counted as ours, inlined standard library code included.
#include "support/count_allocations.hpp"

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace dfa::test {
namespace {

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

std::array<Range, 16> library_ranges;
std::size_t library_count = 0;
std::atomic<bool> counting{false};
std::atomic<long> ours{0};
std::atomic<long> libraries{0};
std::atomic<std::size_t> our_bytes{0}, library_bytes{0};

int note_object(dl_phdr_info* info, std::size_t, void*) {
  const char* name = info->dlpi_name;
  if (std::strstr(name, "libdnnl") == nullptr && std::strstr(name, "libgomp") == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || library_count == library_ranges.size()) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    library_ranges[library_count++] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

void count(void* caller, std::size_t bytes) {
  if (!counting.load(std::memory_order_relaxed)) return;
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  for (std::size_t i = 0; i < library_count; ++i) {
    if (address < library_ranges[i].begin || address >= library_ranges[i].end) continue;
    ++libraries;
    library_bytes += bytes;
    return;
  }
  ++ours;
  our_bytes += bytes;
}

}  // namespace

void begin_counting_allocations() {
  library_count = 0;
  dl_iterate_phdr(note_object, nullptr);
  ours = 0;
  our_bytes = 0;
  libraries = 0;
  library_bytes = 0;
  counting = true;
}

AllocationCount end_counting_allocations() {
  counting = false;
  return {ours, our_bytes, libraries, library_bytes};
}

}  // namespace dfa::test

extern "C" {

// glibc's own names for what is replaced here.
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  dfa::test::count(__builtin_return_address(0), bytes);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  dfa::test::count(__builtin_return_address(0), count * bytes);
  return __libc_calloc(count, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  dfa::test::count(__builtin_return_address(0), bytes);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  dfa::test::count(__builtin_return_address(0), bytes);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

namespace {

void* counted_new(void* caller, std::size_t alignment, std::size_t bytes) {
  dfa::test::count(caller, bytes);
  if (void* memory = __libc_memalign(alignment, bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted_new(__builtin_return_address(0), alignof(std::max_align_t), bytes);
}
void* operator new[](std::size_t bytes) {
  return counted_new(__builtin_return_address(0), alignof(std::max_align_t), bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted_new(__builtin_return_address(0), static_cast<std::size_t>(alignment), bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
