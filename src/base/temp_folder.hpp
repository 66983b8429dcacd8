// A folder in the one for temporary files (TMPDIR) that is gone, with all below it, when its owner is.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hpp"

namespace dfa {

class TempFolder {
 public:
  // `purpose` begins the folder's name: "dfa-<purpose>-...". Errors: file_unwritable.
  static Result<TempFolder> create(std::string_view purpose);
  TempFolder(TempFolder&& other) noexcept;
  TempFolder& operator=(TempFolder&&) = delete;
  ~TempFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TempFolder(std::filesystem::path path);
  std::filesystem::path path_;
};

}  // namespace dfa
