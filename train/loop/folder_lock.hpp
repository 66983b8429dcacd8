// One process works in a run folder at a time. The lock is the kernel's (flock): it ends with the process, however that
// ends, and a file left behind means nothing.
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace dfa::train {

class FolderLock {
 public:
  FolderLock() = default;  // holds nothing
  // Errors: usage when another process, or another run of this one, holds it; file_unwritable. A file system without
  // locks gives one that holds nothing.
  static Result<FolderLock> take(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace dfa::train
