#include "base/file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using test::TempDir;
using test::write_bytes;

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(File, ReadsWhatIsThere) {
  TempDir dir;
  write_bytes(dir / "a", "hello");
  EXPECT_EQ(read_text_file(dir / "a", 0).value(), "hello");
  EXPECT_EQ(read_text_file(dir / "a", 5).value(), "hello");
}

TEST(File, SaysWhatIsWrong) {
  TempDir dir;
  write_bytes(dir / "a", "hello");
  EXPECT_EQ(read_file(dir / "none", 0).error().code, ErrorCode::file_not_found);
  EXPECT_EQ(read_file(dir.path(), 0).error().code, ErrorCode::file_unreadable);
  const auto too_large = read_file(dir / "a", 4);
  EXPECT_EQ(too_large.error().code, ErrorCode::limit_exceeded);
  EXPECT_NE(too_large.error().message.find("5 bytes, the limit is 4"), std::string::npos);
}

TEST(File, MapsFilesAndTheEmptyOne) {
  TempDir dir;
  write_bytes(dir / "a", "hello");
  write_bytes(dir / "empty", "");
  EXPECT_EQ(MappedFile::open(dir / "a", 0).value()->bytes().size(), 5u);
  EXPECT_TRUE(MappedFile::open(dir / "empty", 0).value()->bytes().empty());
  EXPECT_EQ(MappedFile::open(dir / "none", 0).error().code, ErrorCode::file_not_found);
}

TEST(AtomicFile, NothingIsSeenBeforeCommit) {
  TempDir dir;
  write_bytes(dir / "target", "old");
  {
    auto file = AtomicFile::create(dir / "target").value();
    ASSERT_TRUE(file.write("new"));
    EXPECT_EQ(read_text_file(dir / "target", 0).value(), "old");
    ASSERT_TRUE(file.commit());
  }
  EXPECT_EQ(read_text_file(dir / "target", 0).value(), "new");
  EXPECT_EQ(files_in(dir.path()), 1u);
}

TEST(AtomicFile, WritesAtPlacesInAnyOrder) {
  TempDir dir;
  auto file = AtomicFile::create(dir / "target").value();
  const auto put = [&file](std::uint64_t at, std::string_view text) {
    return file.write_at(at, std::as_bytes(std::span(text))).has_value();
  };
  ASSERT_TRUE(put(4, "5678"));
  ASSERT_TRUE(put(0, "xx34"));
  ASSERT_TRUE(put(0, "12"));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(read_text_file(dir / "target", 0).value(), "12345678");
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  TempDir dir;
  { ASSERT_TRUE(AtomicFile::create(dir / "target").value().write("half")); }
  EXPECT_EQ(files_in(dir.path()), 0u);
}

TEST(AtomicFile, NoFolderIsAnError) {
  TempDir dir;
  EXPECT_EQ(write_file_atomically(dir / "none" / "target", "x").error().code, ErrorCode::file_unwritable);
}

}  // namespace
}  // namespace dfa
