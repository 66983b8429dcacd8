#include "base/spill_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string read(const SpillFile& file, std::uint64_t offset, std::size_t count) {
  std::string text(count, '?');
  const Status status = file.read(offset, std::as_writable_bytes(std::span(text)));
  return status ? text : "error: " + status.error().message;
}

TEST(SpillFile, GivesBackWhatWasPutThere) {
  auto file = SpillFile::create();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->append(bytes_of("first")).value(), 0U);
  EXPECT_EQ(file->append(bytes_of("second")).value(), 5U);
  EXPECT_EQ(read(*file, 5, 6), "second");
  EXPECT_EQ(read(*file, 0, 5), "first");
  SpillFile moved = std::move(*file);
  EXPECT_EQ(read(moved, 2, 4), "rsts");
  EXPECT_EQ(moved.size(), 11U);
}

TEST(SpillFile, ReadingPastTheEndIsAnError) {
  auto file = SpillFile::create();
  ASSERT_TRUE(file->append(bytes_of("abc")));
  EXPECT_EQ(read(*file, 2, 2).substr(0, 5), "error");
}

// TMPDIR is for this process alone; the other tests of this program do not look at it.
TEST(SpillFile, LeavesNoNameBehindAndSaysWhereItCannotBeMade) {
  const test::TempDir dir;
  ASSERT_EQ(::setenv("TMPDIR", dir.path().c_str(), 1), 0);
  {
    auto file = SpillFile::create();
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->append(bytes_of("abc")));
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  }
  ASSERT_EQ(::setenv("TMPDIR", (dir / "gone").c_str(), 1), 0);
  const auto file = SpillFile::create();
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::file_unwritable);
}

}  // namespace
}  // namespace dfa
