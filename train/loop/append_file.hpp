// A log that only grows, and that is cut back to a known length when a run goes on from an earlier state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.hpp"

namespace dfa::train {

class AppendFile {
 public:
  // Creates the file, or cuts what is beyond `keep_bytes` off; a shorter one is left as it is. Errors: file_unwritable.
  static Result<AppendFile> open(const std::filesystem::path& path, std::int64_t keep_bytes);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;

  // In one write: after kill -9 the file ends with a whole piece. Errors: file_unwritable (disk full); the piece is
  // then taken back.
  Status append(std::string_view piece);
  // On the disk, so that a state saved after it may count on it.
  Status sync();
  std::int64_t bytes() const { return bytes_; }

 private:
  AppendFile(std::filesystem::path path, int descriptor, std::int64_t bytes);
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace dfa::train
