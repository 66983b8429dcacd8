#include "base/temp_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace dfa {

Result<TempFolder> TempFolder::create(std::string_view purpose) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error)
    return fail(ErrorCode::file_unwritable, "no folder for temporary files ({})\n  next step: set TMPDIR",
                error.message());
  std::string name = (parent / fmt::format("dfa-{}-XXXXXX", purpose)).string();
  if (::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::file_unwritable,
                "{}: no temporary folder can be made ({})\n  next step: set TMPDIR to a folder with room",
                parent.string(), std::strerror(errno));
  return TempFolder(name);
}

TempFolder::TempFolder(std::filesystem::path path) : path_(std::move(path)) {}

TempFolder::TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace dfa
