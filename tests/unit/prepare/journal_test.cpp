#include "prepare/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.hpp"
#include "prepare/output_names.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using test::TempDir;
using testing::HasSubstr;

ItemResult made_result(const std::string& path) {
  ItemResult result;
  result.path = path;
  result.source_bytes = 12345;
  result.mask = "masks/a.mp4";
  result.outcome = ItemOutcome::used;
  result.rule = TrackRule::mask;
  result.tracks = 2;
  result.frames = {.wanted = 4, .used = 1, .other_face = 2, .failed = 1};
  result.notes = {"cut short: \"here\"\n"};
  CropResult crop{7, 0.1, {1.25, 2, 3, 1.0 / 3}, {{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 0.1}}}, 0.99, "aa", 10, 20};
  result.crops = {crop, crop};
  result.crops[1].pts_seconds = std::nullopt;
  return result;
}

std::string text_of(const std::filesystem::path& file) {
  return read_text_file(file, 1 << 20).value_or("unreadable");
}

TEST(ItemResult, SurvivesItsOwnText) {
  const ItemResult result = made_result("a/b.mp4");
  const std::string text = item_result_json(result);
  const auto back = parse_item_result(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(item_result_json(*back), text);
  EXPECT_EQ(back->frames, result.frames);
  EXPECT_EQ(back->crops[0].box_px.y2, 1.0 / 3);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(ItemResult, HalfALineIsNone) {
  const std::string text = item_result_json(made_result("a/b.mp4"));
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_item_result(std::string_view(text).substr(0, length))) << length;
}

TEST(Journal, RemembersWhatWasFinished) {
  TempDir dir;
  {
    auto journal = Journal::open(dir.path());
    ASSERT_TRUE(journal) << journal.error().message;
    ASSERT_TRUE(journal->append(made_result("a")));
    ASSERT_TRUE(journal->append(made_result("b")));
  }
  auto journal = Journal::open(dir.path());
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->done().size(), 2u);
  EXPECT_EQ(journal->lines_dropped(), 0u);
  EXPECT_EQ(journal->done().at("b").crops.size(), 2u);
}

// A killed process can leave any beginning of its last line.
TEST(Journal, ATornLastLineIsTakenAway) {
  TempDir dir;
  { ASSERT_TRUE(Journal::open(dir.path())->append(made_result("a"))); }
  const std::string whole = text_of(dir / "journal.jsonl");
  for (std::size_t length : {std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
    test::write_bytes(dir / "journal.jsonl", whole + whole.substr(0, length));
    auto journal = Journal::open(dir.path());
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->done().size(), 1u);
    EXPECT_EQ(journal->lines_dropped(), 1u);
    ASSERT_TRUE(journal->append(made_result("c")));
    EXPECT_EQ(text_of(dir / "journal.jsonl"), whole + item_result_json(made_result("c")) + "\n");
  }
}

TEST(Journal, WhatFollowsABrokenLineIsDoneAgain) {
  TempDir dir;
  const std::string a = item_result_json(made_result("a")) + "\n", b = item_result_json(made_result("b")) + "\n";
  test::write_bytes(dir / "journal.jsonl", a + "{\"path\":3}\n" + b);
  auto journal = Journal::open(dir.path());
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->done().size(), 1u);
  EXPECT_EQ(journal->lines_dropped(), 2u);
  EXPECT_EQ(text_of(dir / "journal.jsonl"), a);
}

TEST(Journal, TheLastWordCountsAndRewritingOrders) {
  TempDir dir;
  auto journal = Journal::open(dir.path());
  ASSERT_TRUE(journal);
  ItemResult first = made_result("b");
  first.outcome = ItemOutcome::unreadable;
  ASSERT_TRUE(journal->append(first));
  ASSERT_TRUE(journal->append(made_result("b")));
  ASSERT_TRUE(journal->append(made_result("a")));
  EXPECT_EQ(journal->done().at("b").outcome, ItemOutcome::used);
  ASSERT_TRUE(journal->rewrite({&journal->done().at("a"), &journal->done().at("b")}));
  EXPECT_EQ(text_of(dir / "journal.jsonl"),
            item_result_json(made_result("a")) + "\n" + item_result_json(made_result("b")) + "\n");
  ASSERT_TRUE(journal->append(made_result("c")));
  EXPECT_THAT(text_of(dir / "journal.jsonl"), HasSubstr("\"path\":\"c\""));
}

TEST(Journal, OneProcessAtATime) {
  TempDir dir;
  const auto first = Journal::open(dir.path());
  ASSERT_TRUE(first);
  const auto second = Journal::open(dir.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::file_unwritable);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
}

TEST(OutputNames, StayBelowTheOutputAndApart) {
  EXPECT_EQ(crop_file("a/b.mp4", 12), "crops/a/b.mp4/000012.png");
  EXPECT_EQ(mask_file("a/b.mp4", 1234567), "masks/a/b.mp4/1234567.png");
  EXPECT_EQ(crop_folder("/data/ff/1.mp4"), "crops/@root/data/ff/1.mp4");
  EXPECT_EQ(crop_folder("../ff/./1.mp4"), "crops/@up/ff/1.mp4");
  EXPECT_NE(crop_folder("a/1.mp4"), crop_folder("a/1.avi"));
}

TEST(OutputNames, UtfEightIsToldFromOtherBytes) {
  for (const std::string_view good : {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    EXPECT_TRUE(is_utf8(good));
  for (const std::string_view bad :
       {"\xff", "\xc3", "\xe2\x82", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\xc3(", "\xe0\x80\x80"})
    EXPECT_FALSE(is_utf8(bad)) << bad.size();
}

}  // namespace
}  // namespace dfa
