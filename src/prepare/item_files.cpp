#include "prepare/item_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace dfa {
namespace {

constexpr const char* kGoOn =
    "\n  next step: make room or take another --out; the same command goes on where this one stopped";

tl::unexpected<Error> unwritable(const std::filesystem::path& path, std::string_view what,
                                 const std::error_code& error) {
  return fail(ErrorCode::file_unwritable, "{}: {} ({}){}", path.string(), what, error.message(), kGoOn);
}

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// Opens for writing, does the work, closes; a descriptor is never left open.
template <class Work>
Status with_file(const std::filesystem::path& path, int flags, Work work) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (descriptor < 0) return unwritable(path, "cannot be written", last_error());
  const bool good = work(descriptor);
  const std::error_code error = last_error();
  ::close(descriptor);
  if (good) return {};
  return unwritable(path, "writing failed", error);
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

Status ItemFiles::clear(const std::string& folder) {
  const std::filesystem::path path = out_ / folder;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (std::error_code ignored; at->is_regular_file(ignored)) files.push_back(at->path());
  for (const std::filesystem::path& file : files)
    if (!error) std::filesystem::remove(file, error);
  if (error) return unwritable(path, "cannot be cleared", error);
  return {};
}

Status ItemFiles::put(const std::string& name, std::span<const std::byte> bytes) {
  written_.push_back(out_ / name);
  const std::filesystem::path folder = written_.back().parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return unwritable(folder, "cannot be created", error);
  return with_file(written_.back(), O_WRONLY | O_CREAT | O_TRUNC,
                   [&](int descriptor) { return write_all(descriptor, bytes); });
}

Status ItemFiles::sync() {
  // One after the other at the end: the first wait writes what the others would wait for.
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& file : written_) {
    DFA_TRY(with_file(file, O_RDONLY, [](int descriptor) { return ::fsync(descriptor) == 0; }));
    if (folders.empty() || folders.back() != file.parent_path()) folders.push_back(file.parent_path());
  }
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  for (const std::filesystem::path& folder : folders)
    DFA_TRY(with_file(folder, O_RDONLY | O_DIRECTORY, [](int descriptor) { return ::fsync(descriptor) == 0; }));
  return {};
}

}  // namespace dfa
