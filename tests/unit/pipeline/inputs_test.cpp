#include "pipeline/inputs.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::write_bytes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names(const InputList& list, const fs::path& root) {
  std::vector<std::string> out;
  for (const Input& input : list.inputs) out.push_back(fs::path(input.path).lexically_relative(root).string());
  return out;
}

TEST(Inputs, FoldersAreSearchedInByteOrderAndWhatIsSkippedIsCounted) {
  TempDir dir;
  fs::create_directories(dir / "b/deep");
  fs::create_directories(dir / ".cache");
  for (const char* name : {"b/deep/2.MP4", "b/1.png", "a.jpg", "B.jpg", "\xc3\xa9.webp", ".hidden.png", "note.txt",
                           "noext", ".cache/x.png", "broken.heic"})
    write_bytes(dir / name, "x");
  fs::create_symlink(dir / "a.jpg", dir / "link.jpg");
  fs::create_directory_symlink(dir / "b", dir / "linked_folder");
  const std::string root = dir.path().string();
  const InputList list = list_inputs(std::vector{root});
  EXPECT_THAT(names(list, dir.path()),
              ElementsAre("B.jpg", "a.jpg", "b/1.png", "b/deep/2.MP4", "broken.heic", "\xc3\xa9.webp"));
  EXPECT_EQ(list.skipped.hidden, 2);  // the folder counts once
  EXPECT_EQ(list.skipped.links, 2);
  EXPECT_EQ(list.skipped.other, 2);
  EXPECT_EQ(list.folders, 3U);
}

TEST(Inputs, AnExplicitPathIsAlwaysAnInput) {
  TempDir dir;
  write_bytes(dir / "note.txt", "x");
  write_bytes(dir / ".hidden.png", "x");
  fs::create_symlink(dir / "note.txt", dir / "link");
  const std::vector<std::string> paths = {(dir / "note.txt").string(), (dir / ".hidden.png").string(),
                                          (dir / "link").string(), (dir / "gone.png").string(),
                                          (dir / "note.txt").string()};
  const InputList list = list_inputs(paths);
  ASSERT_THAT(list.inputs, SizeIs(5));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(list.inputs[i].path, paths[i]);
  EXPECT_FALSE(list.inputs[0].problem);
  ASSERT_TRUE(list.inputs[3].problem);
  EXPECT_EQ(list.inputs[3].problem->code, ErrorCode::file_not_found);
}

TEST(Inputs, AFolderThatCannotBeReadIsARecordOfItsOwn) {
  constexpr uid_t kNobody = 65534;
  TempDir dir;
  fs::create_directories(dir / "closed");
  fs::permissions(dir.path(), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  fs::permissions(dir / "closed", fs::perms::none);
  const std::string root = dir.path().string();
  const uid_t self = ::geteuid();  // root reads everything: step down for the search
  if (self == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const InputList list = list_inputs(std::vector{root});
  if (self == 0) {
    ASSERT_EQ(::seteuid(self), 0);
  }
  fs::permissions(dir / "closed", fs::perms::owner_all);
  ASSERT_THAT(list.inputs, SizeIs(1));
  ASSERT_TRUE(list.inputs[0].problem);
  EXPECT_EQ(list.inputs[0].problem->code, ErrorCode::file_unreadable);
}

TEST(Inputs, ShardsPartitionTheBatch) {
  TempDir dir;
  for (int i = 0; i < 7; ++i) write_bytes(dir / (std::to_string(i) + ".png"), "x");
  const std::string root = dir.path().string();
  EXPECT_THAT(names(list_inputs(std::vector{root}, {1, 3}), dir.path()), ElementsAre("0.png", "3.png", "6.png"));
  EXPECT_THAT(names(list_inputs(std::vector{root}, {2, 3}), dir.path()), ElementsAre("1.png", "4.png"));
  EXPECT_THAT(names(list_inputs(std::vector{root}, {3, 3}), dir.path()), ElementsAre("2.png", "5.png"));
  EXPECT_THAT(names(list_inputs(std::vector{root}, {9, 9}), dir.path()), IsEmpty());
}

TEST(Inputs, ListsAreReadALineAPath) {
  std::istringstream in("a b.png\n\n-odd\r\n last ");
  EXPECT_THAT(read_path_list(in), ElementsAre("a b.png", "-odd", " last "));
}

TEST(Inputs, SuffixesInAnyCase) {
  EXPECT_TRUE(has_media_suffix("x/IMG.JPeG"));
  EXPECT_TRUE(has_media_suffix("x.tar.webm"));
  EXPECT_FALSE(has_media_suffix("x.png/readme"));
  EXPECT_FALSE(has_media_suffix("png"));
}

}  // namespace
}  // namespace dfa
