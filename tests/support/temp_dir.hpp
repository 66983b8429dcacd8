// A folder that is gone when the test is.
#pragma once

#include <filesystem>
#include <string_view>

namespace dfa::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Writes bytes as they are.
void write_bytes(const std::filesystem::path& path, std::string_view bytes);

}  // namespace dfa::test
