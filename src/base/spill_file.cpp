#include "base/spill_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace dfa {

Result<SpillFile> SpillFile::create() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error)
    return fail(ErrorCode::file_unwritable, "no folder for temporary files ({})\n  next step: set TMPDIR",
                error.message());
  std::string name = (folder / "dfa-spill-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0)
    return fail(ErrorCode::file_unwritable,
                "{}: no temporary file can be made ({})\n  next step: set TMPDIR to a folder with room",
                folder.string(), std::strerror(errno));
  ::unlink(name.c_str());
  return SpillFile(descriptor);
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(std::exchange(other.size_, 0)) {}

SpillFile& SpillFile::operator=(SpillFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::uint64_t> SpillFile::append(std::span<const std::byte> bytes) {
  const std::uint64_t begin = size_;
  while (!bytes.empty()) {
    const ::ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<::off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return fail(ErrorCode::file_unwritable,
                  "a temporary file of {} MiB cannot grow ({})\n  next step: set TMPDIR to a folder with room",
                  size_ >> 20, std::strerror(errno));
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return begin;
}

Status SpillFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ::ssize_t got = ::pread(descriptor_, to.data(), to.size(), static_cast<::off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail(ErrorCode::file_unreadable, "a temporary file cannot be read back at {} ({})", offset,
                  got == 0 ? "it is shorter" : std::strerror(errno));
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace dfa
