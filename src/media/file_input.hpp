// A regular file as the only thing that FFmpeg can read: our own callbacks on one descriptor. Internal to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "media/ffmpeg_handles.hpp"

namespace dfa {

// The size is that of the moment of opening; what is appended later is not read. Not thread-safe.
class FileInput {
 public:
  // max_bytes 0 = no limit. Errors: file_not_found, file_unreadable, limit_exceeded.
  static Result<std::unique_ptr<FileInput>> open(const std::filesystem::path& path, std::uint64_t max_bytes);
  ~FileInput();
  FileInput(const FileInput&) = delete;
  FileInput& operator=(const FileInput&) = delete;

  std::int64_t size() const { return size_; }
  // Fewer than `count` bytes at the end of the file. Does not move the position that FFmpeg sees. Errors:
  // file_unreadable.
  Result<std::vector<std::byte>> bytes_at(std::int64_t offset, std::size_t count) const;
  Result<std::vector<std::byte>> head(std::size_t count) const { return bytes_at(0, count); }

  // FFmpeg sees only that many bytes from now on.
  void hide_after(std::int64_t size) { visible_ = std::min(visible_, size); }

  // FFmpeg's view of it; lives as long as this object. A fresh one starts at byte 0.
  Result<AVIOContext*> fresh_io();
  // Whether a read failed for another reason than the end of the file; `read_error` says which.
  bool read_failed() const { return read_errno_ != 0; }
  std::string read_error() const;

 private:
  FileInput(int descriptor, std::int64_t size) : descriptor_(descriptor), size_(size), visible_(size) {}
  static int on_read(void* self, std::uint8_t* to, int count);
  static std::int64_t on_seek(void* self, std::int64_t offset, int whence);

  int descriptor_;
  std::int64_t size_;
  std::int64_t visible_;
  std::int64_t position_ = 0;
  int read_errno_ = 0;
  IoHandle io_;
};

}  // namespace dfa
