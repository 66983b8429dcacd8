#include "media/file_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace dfa {
namespace {

// Larger pieces gain nothing measurable; smaller ones cost system calls.
constexpr int kIoBufferBytes = 64 << 10;

std::string errno_text(int code) {
  return std::generic_category().message(code);
}

// pread() that goes on after signals. Negative on failure, with errno.
ssize_t read_at(int descriptor, void* to, std::size_t count, std::int64_t offset) {
  ssize_t got;
  do got = ::pread(descriptor, to, count, offset);
  while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

Result<std::unique_ptr<FileInput>> FileInput::open(const std::filesystem::path& path, std::uint64_t max_bytes) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable, "{}: cannot be opened ({})",
                path.string(), errno_text(errno));
  std::unique_ptr<FileInput> input(new FileInput(descriptor, 0));
  struct stat info {};
  if (::fstat(descriptor, &info) != 0)
    return fail(ErrorCode::file_unreadable, "{}: {}", path.string(), errno_text(errno));
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::file_unreadable, "{}: is {}, expected a regular file", path.string(),
                S_ISDIR(info.st_mode) ? "a directory" : "a device or pipe");
  input->size_ = input->visible_ = info.st_size;
  if (max_bytes != 0 && static_cast<std::uint64_t>(info.st_size) > max_bytes)
    return fail(ErrorCode::limit_exceeded, "{}: {} bytes, the limit is {}", path.string(), info.st_size, max_bytes);
  return input;
}

FileInput::~FileInput() {
  ::close(descriptor_);
}

std::string FileInput::read_error() const {
  return errno_text(read_errno_);
}

Result<std::vector<std::byte>> FileInput::bytes_at(std::int64_t offset, std::size_t count) const {
  std::vector<std::byte> bytes(count);
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got =
        read_at(descriptor_, bytes.data() + filled, count - filled, offset + static_cast<std::int64_t>(filled));
    if (got < 0) return fail(ErrorCode::file_unreadable, "reading failed at byte {} ({})", offset, errno_text(errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<AVIOContext*> FileInput::fresh_io() {
  io_.reset();
  position_ = 0;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  constexpr int kReadOnly = 0;
  if (buffer != nullptr)
    io_.reset(avio_alloc_context(buffer, kIoBufferBytes, kReadOnly, this, on_read, nullptr, on_seek));
  if (io_ == nullptr) {
    av_free(buffer);
    return fail(ErrorCode::out_of_memory, "no memory for reading a video");
  }
  return io_.get();
}

int FileInput::on_read(void* self, std::uint8_t* to, int count) {
  auto& input = *static_cast<FileInput*>(self);
  const std::int64_t left = std::max<std::int64_t>(input.visible_ - input.position_, 0);
  const auto want = static_cast<std::size_t>(std::min<std::int64_t>(count, left));
  if (want == 0) return AVERROR_EOF;
  const ssize_t got = read_at(input.descriptor_, to, want, input.position_);
  if (got < 0) {
    input.read_errno_ = errno;
    return AVERROR(errno);
  }
  if (got == 0) return AVERROR_EOF;
  input.position_ += got;
  return static_cast<int>(got);
}

std::int64_t FileInput::on_seek(void* self, std::int64_t offset, int whence) {
  auto& input = *static_cast<FileInput*>(self);
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return input.visible_;
    case SEEK_SET:
      break;
    case SEEK_CUR:
      offset += input.position_;
      break;
    case SEEK_END:
      offset += input.visible_;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < 0) return AVERROR(EINVAL);
  return input.position_ = offset;  // beyond the end is allowed: reading there finds the end
}

}  // namespace dfa
