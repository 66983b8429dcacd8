#include "base/forget_pages.hpp"

#include <sys/mman.h>

namespace dfa {

void forget_pages(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.empty()) return;
  // Mapped privately and never written, so nothing is lost. Where the kernel refuses, memory is all that it costs.
  ::madvise(const_cast<std::byte*>(bytes.data()), bytes.size(), MADV_DONTNEED);
}

}  // namespace dfa
