#include "eval/evaluation.hpp"

#include <gtest/gtest.h>

#include "eval/score_crops.hpp"

namespace dfa {
namespace {

CropScore crop(const std::string& path, std::optional<int> label, std::optional<double> p_fake,
               const std::string& method = "", const std::string& video = "") {
  return {path,
          label,
          method,
          video.empty() ? path : video,
          p_fake,
          p_fake ? "" : "unreadable",
          p_fake ? Outcome::scored : Outcome::decode_error};
}

Result<Evaluation> evaluate_quickly(const std::vector<CropScore>& scores) {
  EvaluationOptions options;
  options.bootstrap = {.rounds = 50, .seed = 1};
  const Result<ScoreTable> table = score_table_of(scores);
  if (!table) return tl::unexpected(table.error());
  return evaluate_scores(*table, options);
}

double auc(const LevelFigures& level) {
  return level.of(Metric::auc).interval.value().value;
}

TEST(Evaluation, VideosOfEqualNamesUnderDifferentMethodsStayApart) {
  const std::vector<CropScore> scores = {crop("r1", 0, .5), crop("r2", 0, .3), crop("a", 1, .9, "A", "A/000_001"),
                                         crop("b", 1, .1, "B", "B/000_001")};
  const auto evaluation = evaluate_quickly(scores);
  ASSERT_TRUE(evaluation);
  EXPECT_DOUBLE_EQ(auc(evaluation->all.video), 0.5);
  EXPECT_DOUBLE_EQ(auc(evaluation->methods.at("A").frame), 1.0);
  EXPECT_DOUBLE_EQ(auc(evaluation->methods.at("B").frame), 0.0);
  EXPECT_EQ(evaluation->methods.at("A").frame.reals, 2U);
}

TEST(Evaluation, VideoScoreIsTheMeanOfItsFrames) {
  const std::vector<CropScore> scores = {crop("r1", 0, .4, "", "r"), crop("r2", 0, .6, "", "r"),
                                         crop("f1", 1, .3, "m", "f"), crop("f2", 1, .9, "m", "f")};
  const auto evaluation = evaluate_quickly(scores);
  ASSERT_TRUE(evaluation);
  EXPECT_DOUBLE_EQ(auc(evaluation->all.frame), 0.5);
  EXPECT_DOUBLE_EQ(auc(evaluation->all.video), 1.0);
  EXPECT_EQ(evaluation->all.video.fakes, 1U);
}

TEST(Evaluation, WhatWasNotMeasuredIsCountedAndNeverUsed) {
  const std::vector<CropScore> scores = {crop("r", 0, .1), crop("f", 1, .9), crop("broken", 1, {}),
                                         crop("unknown", {}, .5)};
  const auto evaluation = evaluate_quickly(scores);
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->all.coverage.crops.inputs(), 4U);
  EXPECT_EQ(evaluation->all.coverage.crops.unscored(), 1U);
  EXPECT_EQ(evaluation->all.coverage.crops.unlabelled[0], 1U);
  EXPECT_DOUBLE_EQ(evaluation->all.coverage.share_crops(), 0.75);
  EXPECT_EQ(evaluation->all.frame.fakes, 1U);
  EXPECT_DOUBLE_EQ(auc(evaluation->all.frame), 1.0);
}

TEST(Evaluation, OneClassIsUndefined) {
  const auto evaluation = evaluate_quickly({crop("a", 1, .9), crop("b", 1, .8)});
  ASSERT_TRUE(evaluation);
  EXPECT_FALSE(evaluation->all.frame.of(Metric::auc).interval);
  EXPECT_FALSE(evaluation->all.video.of(Metric::auc).interval);
}

TEST(Evaluation, AVideoHasOneLabel) {
  const auto evaluation = evaluate_quickly({crop("a", 1, .9, "m", "v"), crop("b", 0, .8, "", "v")});
  ASSERT_FALSE(evaluation);
  EXPECT_EQ(evaluation.error().code, ErrorCode::manifest_invalid);
}

TEST(ScoresCsv, QuotesAndLeavesTheUnknownEmpty) {
  EXPECT_EQ(scores_csv({crop("a,b\"c.png", 1, 0.25, "m"), crop("d", {}, {})}),
            "path,label,p_fake,method,video\n\"a,b\"\"c.png\",1,0.25,m,\"a,b\"\"c.png\"\nd,,,,d\n");
}

TEST(ManifestRecipe, DifferencesAreNamed) {
  Manifest manifest;
  manifest.crop_name = "aligned1.3";
  manifest.stored_px = 192;
  const CropRecipe recipe;
  EXPECT_EQ(manifest_recipe_difference(manifest, recipe), "stored_px: 192 against 256");
  manifest.stored_px = 256;
  EXPECT_EQ(manifest_recipe_difference(manifest, recipe), "");
  manifest.crop_sha256 = std::string(64, '0');
  EXPECT_NE(manifest_recipe_difference(manifest, recipe).find("sha256"), std::string::npos);
}

}  // namespace
}  // namespace dfa
