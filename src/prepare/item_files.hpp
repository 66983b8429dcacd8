// Writes the files of one item. Internal to this room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa {

// The files need no temporary names: until the journal names their item nobody takes them for finished, and what an
// interrupted run left is cleared before they are written again.
class ItemFiles {
 public:
  explicit ItemFiles(const std::filesystem::path& out) : out_(out) {}

  // Removes the files in this folder (relative to the output), if it is there. Errors: file_unwritable.
  Status clear(const std::string& folder);
  // `name`: relative to the output. Errors: file_unwritable.
  Status put(const std::string& name, std::span<const std::byte> bytes);
  // Waits until everything put lies on the disk. Errors: file_unwritable.
  Status sync();

 private:
  const std::filesystem::path& out_;
  std::vector<std::filesystem::path> written_;
};

}  // namespace dfa
