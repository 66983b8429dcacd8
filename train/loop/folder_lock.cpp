#include "train/loop/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace dfa::train {

namespace {

constexpr const char* kLockFile = "run.lock";

// The process id that the holder wrote; for the message only.
std::string holder_of(int descriptor) {
  char text[32] = {};
  const ssize_t got = ::pread(descriptor, text, sizeof(text) - 1, 0);
  std::string id;
  for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; ++i) id += text[i];
  return id.empty() ? "unknown" : id;
}

}  // namespace

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kLockFile;
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.descriptor_ < 0)
    return fail(ErrorCode::file_unwritable, "{}: {}", path.string(), std::generic_category().message(errno));
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FolderLock();  // no locks on this file system
    return fail(
        ErrorCode::usage,
        "{}: another dfa-train (process {}) works in this run folder\n  next step: wait for it, stop it, or take "
        "another folder with --set out=DIR",
        folder.string(), holder_of(lock.descriptor_));
  }
  const std::string id = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.descriptor_, 0) != 0 || ::pwrite(lock.descriptor_, id.data(), id.size(), 0) < 0) errno = 0;
  return lock;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

}  // namespace dfa::train
