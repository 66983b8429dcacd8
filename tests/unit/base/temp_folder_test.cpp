#include "base/temp_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

TEST(TempFolder, IsGoneWithAllBelowIt) {
  const test::TempDir dir;
  ASSERT_EQ(::setenv("TMPDIR", dir.path().c_str(), 1), 0);
  {
    auto made = TempFolder::create("trial");
    ASSERT_TRUE(made) << made.error().message;
    const TempFolder folder = std::move(*made);
    EXPECT_EQ(folder.path().parent_path(), dir.path());
    EXPECT_TRUE(folder.path().filename().string().starts_with("dfa-trial-"));
    std::filesystem::create_directories(folder.path() / "a/b");
    std::ofstream(folder.path() / "a/b/file") << "x";
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  ASSERT_EQ(::setenv("TMPDIR", (dir / "gone").c_str(), 1), 0);
  const auto none = TempFolder::create("trial");
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::file_unwritable);
}

}  // namespace
}  // namespace dfa
