#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace dfa {
namespace {

std::string errno_text() {
  return std::generic_category().message(errno);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct OpenedFile {
  std::unique_ptr<Descriptor> descriptor;
  std::uint64_t size = 0;
};

Result<OpenedFile> open_regular(const std::filesystem::path& path, std::uint64_t max_bytes) {
  auto descriptor = std::make_unique<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor->get() < 0)
    return fail(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable, "{}: cannot be opened ({})",
                path.string(), errno_text());
  struct stat info {};
  if (::fstat(descriptor->get(), &info) != 0)
    return fail(ErrorCode::file_unreadable, "{}: {}", path.string(), errno_text());
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::file_unreadable, "{}: is {}, expected a regular file", path.string(),
                S_ISDIR(info.st_mode) ? "a directory" : "a device or pipe");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (max_bytes != 0 && size > max_bytes)
    return fail(ErrorCode::limit_exceeded, "{}: {} bytes, the limit is {}", path.string(), size, max_bytes);
  return OpenedFile{std::move(descriptor), size};
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  DFA_ASSIGN_OR_RETURN(const OpenedFile file, open_regular(path, max_bytes));
  std::vector<std::byte> bytes(file.size);
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::read(file.descriptor->get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::file_unreadable, "{}: {}", path.string(), errno_text());
    if (got == 0) break;  // cut short while we read: what is there is the file
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path, max_bytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path, std::uint64_t max_bytes) {
  DFA_ASSIGN_OR_RETURN(const OpenedFile file, open_regular(path, max_bytes));
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  if (file.size == 0) return mapped;
  void* address = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.descriptor->get(), 0);
  if (address == MAP_FAILED)
    return fail(ErrorCode::file_unreadable, "{}: cannot be mapped ({})", path.string(), errno_text());
  mapped->bytes_ = {static_cast<const std::byte*>(address), file.size};
  return mapped;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

AtomicFile::AtomicFile(std::filesystem::path target, std::filesystem::path temporary, int descriptor)
    : target_(std::move(target)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& target) {
  static std::atomic<unsigned> serial{0};
  const std::filesystem::path temporary =
      target.string() + fmt::format(".tmp-{}-{}", ::getpid(), serial.fetch_add(1, std::memory_order_relaxed));
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return fail(ErrorCode::file_unwritable, "{}: cannot be created ({})", target.string(), errno_text());
  return AtomicFile(target, temporary, descriptor);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(ErrorCode::file_unwritable, "{}: writing failed ({})", target_.string(), errno_text());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text)));
}

Status AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(ErrorCode::file_unwritable, "{}: writing failed ({})", target_.string(), errno_text());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Status AtomicFile::commit() {
  if (::fsync(descriptor_) != 0)
    return fail(ErrorCode::file_unwritable, "{}: sync failed ({})", target_.string(), errno_text());
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return fail(ErrorCode::file_unwritable, "{}: cannot be put in place ({})", target_.string(), errno_text());
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  DFA_TRY(file.write(text));
  return file.commit();
}

}  // namespace dfa
