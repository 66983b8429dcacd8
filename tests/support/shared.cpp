#include "support/shared.hpp"

#include <cstdlib>

namespace dfa::test {

std::optional<std::filesystem::path> shared_root() {
  const char* folder = std::getenv("DFA_SHARED");
  if (folder == nullptr || *folder == '\0' || !std::filesystem::is_directory(folder)) return std::nullopt;
  return std::filesystem::path(folder);
}

std::filesystem::path shared_path(std::string_view relative) {
  return shared_root().value() / relative;
}

std::filesystem::path source_path(std::string_view relative) {
  return std::filesystem::path(DFA_SOURCE_DIR) / relative;
}

}  // namespace dfa::test
