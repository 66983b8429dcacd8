// Goldens that lie outside the repository. DFA_SHARED names their folder; without it those tests are skipped, and the
// run says so.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string_view>

namespace dfa::test {

// The folder, or nothing where DFA_SHARED is unset or names none.
std::optional<std::filesystem::path> shared_root();
// A path below it. Requires shared_root().
std::filesystem::path shared_path(std::string_view relative);
// A path below the repository's root.
std::filesystem::path source_path(std::string_view relative);

}  // namespace dfa::test

#define DFA_REQUIRE_SHARED()                                                                               \
  do {                                                                                                     \
    if (!::dfa::test::shared_root()) GTEST_SKIP() << "DFA_SHARED is unset: its goldens were not compared"; \
  } while (false)
