#include "prepare/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.hpp"

namespace dfa {
namespace {

constexpr std::uint64_t kMaxBytes = 8ull << 30;
constexpr const char* kJournalName = "journal.jsonl";
constexpr const char* kLockName = "lock";

tl::unexpected<Error> unwritable(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::file_unwritable, "{}: {} ({})", path.string(), what, std::generic_category().message(errno));
}

Status write_all(int descriptor, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return unwritable(path, "writing failed");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<int> lock_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kLockName;
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return unwritable(path, "cannot be created");
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const bool taken = errno == EWOULDBLOCK;
  auto error = unwritable(path, taken ? "another process prepares into this folder" : "cannot be locked");
  ::close(descriptor);
  return error;
}

}  // namespace

Result<Journal> Journal::open(const std::filesystem::path& folder) {
  Journal journal;
  journal.file_ = folder / kJournalName;
  DFA_ASSIGN_OR_RETURN(journal.lock_, lock_folder(folder));
  journal.descriptor_ = ::open(journal.file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal.descriptor_ < 0) return unwritable(journal.file_, "cannot be opened");
  DFA_TRY(journal.read());
  return journal;
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (lock_ >= 0) ::close(lock_);
}

Journal::Journal(Journal&& other) noexcept
    : file_(std::move(other.file_)),
      lock_(std::exchange(other.lock_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      lines_dropped_(other.lines_dropped_),
      done_(std::move(other.done_)) {}

Status Journal::read() {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(file_, kMaxBytes));
  std::size_t good = 0;  // bytes of lines that were read
  while (good < text.size()) {
    const std::size_t end = text.find('\n', good);
    if (end == std::string::npos) break;
    Result<ItemResult> result = parse_item_result(std::string_view(text).substr(good, end - good));
    if (!result) break;
    std::string path = result->path;
    done_.insert_or_assign(std::move(path), std::move(*result));
    good = end + 1;
  }
  if (good == text.size()) return {};
  const auto rest = std::string_view(text).substr(good);
  lines_dropped_ = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n')) + (rest.back() != '\n');
  if (::ftruncate(descriptor_, static_cast<off_t>(good)) != 0) return unwritable(file_, "cannot be cut");
  return {};
}

Status Journal::append(const ItemResult& result) {
  DFA_TRY(write_all(descriptor_, item_result_json(result) + "\n", file_));
  if (::fdatasync(descriptor_) != 0) return unwritable(file_, "sync failed");
  done_.insert_or_assign(result.path, result);
  return {};
}

Status Journal::rewrite(const std::vector<const ItemResult*>& results) {
  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(file_));
  for (const ItemResult* result : results) DFA_TRY(file.write(item_result_json(*result) + "\n"));
  DFA_TRY(file.commit());
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return unwritable(file_, "cannot be opened");
  ::close(std::exchange(descriptor_, descriptor));
  return {};
}

}  // namespace dfa
