#include "eval/score_csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  ScoreTable table;
  Result<ScoreCsvReading> reading;
};

Read read(const std::string& text, const ScoreCsvOptions& options = {}) {
  std::istringstream stream(text);
  ScoreTable table;
  Result<ScoreCsvReading> reading = read_scores_csv(stream, "s.csv", options, table);
  return {std::move(table), std::move(reading)};
}

std::string fault_of(const std::string& text, const ScoreCsvOptions& options = {}) {
  const Read result = read(text, options);
  return result.reading ? "no error" : result.reading.error().message;
}

TEST(ScoreCsv, ColumnsComeInAnyOrderAndUnknownOnesAreNamed) {
  const Read result = read("age,p_fake,label,path,video\n7,0.25,fake,a/1.png,v\n8,1,0,b.png,\n");
  ASSERT_TRUE(result.reading) << result.reading.error().message;
  EXPECT_THAT(result.reading->notes, ElementsAre(HasSubstr("age")));
  ASSERT_EQ(result.table.size(), 2u);
  EXPECT_EQ(result.table.row(0).video, "v");
  EXPECT_EQ(result.table.row(0).label, 1);
  EXPECT_EQ(result.table.row(0).p_fake, 0.25);
  EXPECT_EQ(result.table.row(1).video, "b.png");
}

TEST(ScoreCsv, WhatWasNotMeasuredIsCountedAndNeverScored) {
  const Read result = read("path,label,p_fake,outcome\na,0,,no_face\nb,1,,abstained\nc,1,0.5,scored\n");
  ASSERT_TRUE(result.reading);
  EXPECT_EQ(result.table.row(0).outcome, Outcome::no_face);
  EXPECT_FALSE(result.table.row(0).p_fake);
  EXPECT_EQ(result.reading->dropped, DroppedInputs::counted);
  EXPECT_THAT(fault_of("path,label,p_fake\na,0,\n"), HasSubstr("s.csv:2: p_fake is empty"));
  EXPECT_THAT(fault_of("path,label,p_fake,outcome\na,0,0.5,no_face\n"), HasSubstr("only scored items"));
  EXPECT_THAT(fault_of("path,label,p_fake,outcome\na,0,,scored\n"), HasSubstr("p_fake is empty"));
}

TEST(ScoreCsv, FilesWithoutOutcomesKnowNoCoverage) {
  EXPECT_EQ(read("path,label,p_fake\na,0,0.5\n").reading->dropped, DroppedInputs::unknown);
}

TEST(ScoreCsv, LogitsMustBeNamed) {
  const std::string text = "path,label,p_fake\na,0,-3\nb,1,800\nc,1,-800\n";
  EXPECT_THAT(fault_of(text), testing::AllOf(HasSubstr("s.csv:2"), HasSubstr("--logits")));
  ScoreCsvOptions options;
  options.scale = ScoreScale::logit;
  const Read result = read(text, options);
  ASSERT_TRUE(result.reading);
  EXPECT_DOUBLE_EQ(*result.table.row(0).p_fake, 1 / (1 + std::exp(3.0)));
  EXPECT_EQ(result.table.row(1).p_fake, 1.0);
  EXPECT_EQ(result.table.row(2).p_fake, 0.0);
  EXPECT_EQ(result.table.row(0).margin, -3.0);
}

TEST(ScoreCsv, NumberedFilesOfAFolderAreAVideoUnlessAColumnSaysMore) {
  const Read guessed = read("path,label,p_fake\nm\\000_001\\0001.png,1,.1\nm/000_001/0002.png,1,.2\nx/face.png,0,.3\n");
  ASSERT_TRUE(guessed.reading);
  EXPECT_EQ(guessed.table.video_count(), 2u);
  EXPECT_EQ(guessed.table.row(0).video, "m/000_001");
  EXPECT_EQ(read("path,label,p_fake,video\nm/1.png,1,.1,\nm/2.png,1,.2,\n").table.video_count(), 2u);
}

TEST(ScoreCsv, FaultsNameTheLine) {
  EXPECT_THAT(fault_of(""), HasSubstr("no column \"path\""));
  EXPECT_THAT(fault_of("a,0,0.5\n"), HasSubstr("s.csv:1: the header has no column"));
  EXPECT_THAT(fault_of("path,label,p_fake,path\n"), HasSubstr("comes twice"));
  const std::string head = "path,label,p_fake,video,frame\n";
  EXPECT_THAT(fault_of(head + "a,2,0.5,v,\n"), HasSubstr("s.csv:2: label is \"2\""));
  EXPECT_THAT(fault_of(head + "a,1,nan,v,\n"), HasSubstr("s.csv:2: p_fake is \"nan\""));
  EXPECT_THAT(fault_of(head + "a,1,0.5x,v,\n"), HasSubstr("p_fake is \"0.5x\""));
  EXPECT_THAT(fault_of(head + "a,1,0.5,v\n"), HasSubstr("4 fields, the header has 5"));
  EXPECT_THAT(fault_of(head + "a,1,0.5,v,-1\n"), HasSubstr("frame is \"-1\""));
  EXPECT_THAT(fault_of(head + "a,1,.5,v,1\nb,0,.5,v,2\n"), HasSubstr("s.csv:3"));
  EXPECT_THAT(fault_of(head + "a,1,.5,v,1\nb,1,.5,v,2\na,1,.4,v,1\n"), HasSubstr("line 4 gives"));
  ScoreCsvOptions few;
  few.max_rows = 1;
  EXPECT_THAT(fault_of(head + "a,1,.5,v,1\nb,1,.5,v,2\n", few), HasSubstr("more than 1 rows"));
}

TEST(ScoreCsv, WrittenScoresReadBackToTheBit) {
  ScoreTable table;
  const auto add = [&](ScoreRow row) { ASSERT_TRUE(table.add(row)); };
  ScoreRow row;
  row.path = "a,\"b\".png";
  row.video = "v";
  row.label = 1;
  row.p_fake = 1.0 / 3;
  row.margin = -0.1;
  row.frame = 7;
  add(row);
  ScoreRow missing;
  missing.path = "c";
  missing.problem = "too\nbad";
  missing.outcome = Outcome::low_quality;
  add(missing);
  const test::TempDir dir;
  for (const DroppedInputs dropped : {DroppedInputs::counted, DroppedInputs::unknown}) {
    ASSERT_TRUE(write_scores_csv(table, dropped, dir / "s.csv"));
    ScoreTable back;
    const auto reading = read_scores_file(dir / "s.csv", {}, back);
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(reading->dropped, dropped);
    ASSERT_EQ(back.size(), 2u);
    EXPECT_EQ(back.row(0).path, row.path);
    EXPECT_EQ(back.row(0).p_fake, row.p_fake);
    EXPECT_EQ(back.row(0).margin, row.margin);
    EXPECT_EQ(back.row(0).frame, row.frame);
    EXPECT_EQ(back.row(1).outcome, Outcome::low_quality);
    EXPECT_EQ(back.row(1).problem, missing.problem);
    EXPECT_FALSE(back.row(1).label);
  }
  ASSERT_TRUE(write_videos_csv(table, {}, dir / "v.csv"));
  std::ifstream file(dir / "v.csv");
  std::string line;
  std::getline(file, line);
  std::getline(file, line);
  EXPECT_EQ(line, "v,,,1,0.33333333333333331,1,1");
}

}  // namespace
}  // namespace dfa
