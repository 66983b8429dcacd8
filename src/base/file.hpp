// Whole-file reading with a limit, and writing beside the target and renaming: a reader sees the old file or the new
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

// Errors: file_not_found, file_unreadable (directories too), limit_exceeded.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

// A file mapped read-only; bytes() stays valid while the object lives. Cutting the file short while mapped is outside
// our control.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path, std::uint64_t max_bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  MappedFile() = default;
  std::span<const std::byte> bytes_;
};

// Writes pieces to a temporary name in the target's folder; commit() syncs and renames. Without commit nothing is left
// behind.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  // At a place of its own, for formats that come back to fill in sizes; write() goes on where it was.
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  Status commit();

 private:
  AtomicFile(std::filesystem::path target, std::filesystem::path temporary, int descriptor);
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

Status write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace dfa
