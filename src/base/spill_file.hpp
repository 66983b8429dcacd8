// Bytes that memory need not hold for now: a file without a name in the folder for temporary files (TMPDIR), which is
// gone with its owner, whatever ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"

namespace dfa {

// One thread at a time.
class SpillFile {
 public:
  // Errors: file_unwritable, naming the folder.
  static Result<SpillFile> create();
  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&& other) noexcept;
  ~SpillFile();

  // Returns where the bytes begin. Errors: file_unwritable (the disk is full, ...).
  Result<std::uint64_t> append(std::span<const std::byte> bytes);
  // Fills `to` from there. Errors: file_unreadable.
  Status read(std::uint64_t offset, std::span<std::byte> to) const;
  std::uint64_t size() const { return size_; }

 private:
  explicit SpillFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace dfa
