#include "eval/score_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "eval/evaluation.hpp"
#include "eval/level_scores.hpp"

namespace dfa {
namespace {

ScoreRow row(std::string_view path, std::string_view video, std::optional<int> label, std::optional<double> p_fake) {
  ScoreRow made;
  made.path = path;
  made.video = video;
  made.label = label;
  made.p_fake = p_fake;
  made.outcome = p_fake ? Outcome::scored : Outcome::no_face;
  return made;
}

TEST(ScoreTable, RowsComeBackAsTheyWere) {
  ScoreTable table;
  ScoreRow full = row("A/v/1.png", "A/v", 1, 0.25);
  full.set = "celeb";
  full.method = "swap";
  full.identity = "id7";
  full.margin = -1.5;
  full.frame = 12;
  ScoreRow bare = row("s.png", "", {}, {});
  bare.problem = "no face";
  ASSERT_TRUE(table.add(full));
  ASSERT_TRUE(table.add(bare));
  const ScoreRow one = table.row(0), two = table.row(1);
  EXPECT_EQ(one.path, "A/v/1.png");
  EXPECT_EQ(one.set, "celeb");
  EXPECT_EQ(one.method, "swap");
  EXPECT_EQ(one.video, "A/v");
  EXPECT_EQ(one.identity, "id7");
  EXPECT_EQ(one.label, 1);
  EXPECT_EQ(one.p_fake, 0.25);
  EXPECT_EQ(one.margin, -1.5);
  EXPECT_EQ(one.frame, 12);
  EXPECT_EQ(two.video, "s.png");
  EXPECT_EQ(two.problem, "no face");
  EXPECT_FALSE(two.label || two.p_fake || two.margin || two.frame);
  EXPECT_TRUE(std::isnan(table.p_fake()[1]));
  EXPECT_EQ(table.video(0).rows, 1U);
}

TEST(ScoreTable, EqualKeysOfTwoSetsAreTwoVideos) {
  ScoreTable table;
  ScoreRow one = row("1", "v", 0, 0.5);
  one.set = "a";
  ASSERT_TRUE(table.add(one));
  one.set = "b";
  one.label = 1;
  ASSERT_TRUE(table.add(one));
  EXPECT_EQ(table.video_count(), 2U);
}

TEST(ScoreTable, RefusesWhatCannotBe) {
  ScoreTable table;
  ASSERT_TRUE(table.add(row("a", "v", 0, 0.5)));
  ScoreRow number_without_scored = row("b", "", 0, 0.5), scored_without_number = row("c", "", 0, {});
  number_without_scored.outcome = Outcome::low_quality;
  scored_without_number.outcome = Outcome::scored;
  ScoreRow odd_margin = row("d", "", 0, 0.5);
  odd_margin.margin = std::numeric_limits<double>::infinity();
  for (const ScoreRow& bad :
       {row("e", "v", 1, 0.5), row("f", "", 2, 0.5), row("g", "", 0, 1.01), row("h", "", 0, std::nan("")),
        number_without_scored, scored_without_number, odd_margin}) {
    const Status added = table.add(bad);
    ASSERT_FALSE(added) << bad.path;
    EXPECT_EQ(added.error().code, ErrorCode::manifest_invalid);
    EXPECT_NE(added.error().message.find(bad.path), std::string::npos);
  }
  EXPECT_EQ(table.size(), 1U);
}

TEST(ScoreTable, ManyVideosAreFoundAgain) {
  ScoreTable table;
  constexpr int kVideos = 3000;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < kVideos; ++i) {
      const std::string video = "v" + std::to_string(i), path = video + "/" + std::to_string(round);
      ASSERT_TRUE(table.add(row(path, video, i % 2, 0.5)));
    }
  ASSERT_EQ(table.video_count(), static_cast<std::size_t>(kVideos));
  EXPECT_EQ(table.videos()[kVideos + 17], 17U);
  EXPECT_EQ(table.video(17).key, "v17");
  EXPECT_EQ(table.video(17).rows, 2U);
  const ScoreTable odd = table.filtered([](const ScoreRow& one) { return one.label == 1; });
  EXPECT_EQ(odd.size(), static_cast<std::size_t>(kVideos));
  EXPECT_EQ(odd.video(0).key, "v1");
}

TEST(LevelScores, AVideoIsTheMeanMedianOrMaxOfItsScoredFrames) {
  ScoreTable table;
  for (const double p : {.1, .2, .9}) ASSERT_TRUE(table.add(row(std::to_string(p), "v", 1, p)));
  ASSERT_TRUE(table.add(row("blind", "v", 1, {})));
  const auto value = [&](Aggregation aggregation) {
    LevelOptions options;
    options.video = aggregation;
    return video_scores(table, options).p_fake.at(0);
  };
  EXPECT_DOUBLE_EQ(value(Aggregation::mean), 0.4);
  EXPECT_EQ(value(Aggregation::median), .2);
  EXPECT_EQ(value(Aggregation::max), .9);
  EXPECT_EQ(frame_scores(table).p_fake.size(), 3U);
}

TEST(LevelScores, TooFewFramesAreNoScoreAndTheRuleThenSpeaks) {
  ScoreTable table;
  ASSERT_TRUE(table.add(row("1", "v", 1, .9)));
  ASSERT_TRUE(table.add(row("2", "v", 1, {})));
  LevelOptions options;
  options.min_frames_per_video = 2;
  EXPECT_TRUE(video_scores(table, options).p_fake.empty());
  EXPECT_EQ(coverage_of(table, 2).videos.fakes[static_cast<std::size_t>(Outcome::abstained)], 1U);
  options.no_face = NoFaceRule::worst;
  EXPECT_EQ(video_scores(table, options).p_fake.at(0), 0.0);
  EXPECT_EQ(frame_scores(table, options).p_fake, (std::vector<double>{.9, 0}));
}

}  // namespace
}  // namespace dfa
