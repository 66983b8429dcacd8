#include "train/loop/append_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace dfa::train {

namespace {

tl::unexpected<Error> unwritable(const std::filesystem::path& path) {
  return fail(ErrorCode::file_unwritable, "{}: writing failed ({})", path.string(),
              std::generic_category().message(errno));
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path, int descriptor, std::int64_t bytes)
    : path_(std::move(path)), descriptor_(descriptor), bytes_(bytes) {}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Result<AppendFile> AppendFile::open(const std::filesystem::path& path, std::int64_t keep_bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  AppendFile file(path, descriptor, 0);
  struct stat info {};
  if (descriptor < 0 || ::fstat(descriptor, &info) != 0) return unwritable(path);
  file.bytes_ = info.st_size;
  if (file.bytes_ > keep_bytes) {
    if (::ftruncate(descriptor, keep_bytes) != 0) return unwritable(path);
    file.bytes_ = keep_bytes;
  }
  return file;
}

Status AppendFile::append(std::string_view piece) {
  std::size_t put = 0;
  while (put < piece.size()) {
    const ssize_t now = ::write(descriptor_, piece.data() + put, piece.size() - put);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) {
      const auto error = unwritable(path_);
      // Half a line would stay for ever; should this fail too, the next opening cuts it off.
      if (::ftruncate(descriptor_, bytes_) != 0) errno = 0;
      return error;
    }
    put += static_cast<std::size_t>(now);
  }
  bytes_ += static_cast<std::int64_t>(piece.size());
  return {};
}

Status AppendFile::sync() {
  if (::fdatasync(descriptor_) != 0) return unwritable(path_);
  return {};
}

}  // namespace dfa::train
