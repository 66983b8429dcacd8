// Known defects of other evaluations around data: spec users.md, sections 4.1 and 4.2. The metric kind is in
// metric_traps_test.cpp, what lies elsewhere in tests/ is listed in docs/evaluation.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "eval/evaluation.hpp"
#include "eval/polarity.hpp"
#include "eval/score_crops.hpp"
#include "eval/score_csv.hpp"
#include "eval/walls.hpp"
#include "media/video_reader.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "unit/model/small_model.hpp"

namespace dfa::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CropTraps : public testing::Test {
 protected:
  Result<std::vector<CropScore>> score() {
    Model model = small_model();
    model.crop = made_recipe(made_);
    ScoreCropsOptions options;
    options.network.threads = 1;
    return score_crops(model, manifest_, Role::test, options, CancelFlag());
  }
  std::filesystem::path crop(int number) const {
    return dir_.path() / "crops" / ("test" + std::to_string(number) + ".bmp");
  }
  const TempDir dir_;
  const MadeCrops made_{};
  const std::filesystem::path manifest_ = write_made_crops(dir_.path(), made_);
};

// DeepfakeBench abstract_dataset.py:494: an unreadable picture became sample 0 under the other file's name and label.
TEST_F(CropTraps, AnUnreadableCropKeepsItsNameItsLabelAndThePlacesOfTheOthers) {
  const auto before = score();
  ASSERT_TRUE(before);
  write_bytes(crop(1), "no picture");
  const auto after = score();
  ASSERT_TRUE(after);
  ASSERT_EQ(after->size(), before->size());
  for (std::size_t i = 0; i < after->size(); ++i) {
    EXPECT_EQ((*after)[i].path, (*before)[i].path);
    EXPECT_EQ((*after)[i].label, (*before)[i].label);
    if (i == 1) continue;
    EXPECT_EQ((*after)[i].p_fake, (*before)[i].p_fake);  // nobody's score has moved
  }
  EXPECT_EQ((*after)[1].outcome, Outcome::decode_error);
  EXPECT_FALSE((*after)[1].p_fake);
  const Evaluation evaluation = evaluate_scores(score_table_of(*after).value(), {}).value();
  EXPECT_EQ(evaluation.all.coverage.crops.inputs(), before->size());
  EXPECT_EQ(evaluation.all.coverage.crops.scored(), before->size() - 1);
}

// CADDM #52: paths that could not be read gave "AUC 0.0000"; SBI, deepware and others give 0.5, GenD 0.0 to a face that
// was not found.
TEST_F(CropTraps, NothingReadIsNoFigure) {
  for (int i = 0; i < made_.test; ++i) std::filesystem::remove(crop(i));
  const auto scores = score();
  ASSERT_TRUE(scores);
  const Evaluation evaluation = evaluate_scores(score_table_of(*scores).value(), {}).value();
  for (const MetricValue& value : evaluation.all.video.values) {
    EXPECT_FALSE(value.interval);
    EXPECT_FALSE(value.undefined.empty());
  }
  EXPECT_EQ(evaluation.all.coverage.share(), 0.0);
}

// DeepfakeBench abstract_dataset.py:218-226: "evenly distributed" frames were the first N.
TEST(FrameTraps, EightOfThirtyTwoAreSpread) {
  EXPECT_THAT(even_frame_indices(32, 8), ElementsAre(0, 4, 8, 13, 17, 22, 26, 31));
}

// Official train.py:496-499, DeepfakeBench #91: the best checkpoint was chosen on the test sets.
TEST(WallTraps, TheTestSplitMayNotHaveChosenTheModel) {
  TrainingFacts facts;
  facts.selected_on = "test";
  facts.manifest_sha256 = "m";
  const std::vector<NamedManifest> tested = {{"set", "m", {}}};
  ProtocolCard card;
  const auto breaches = selection_breaches(facts, tested, Role::test, {});
  EXPECT_FALSE(raise_wall(breaches, IKnow::no, card));
  ASSERT_TRUE(raise_wall(breaches, IKnow::yes, card));
  EXPECT_THAT(card.stamps, ElementsAre(HasSubstr("chose the model's checkpoint")));
}

std::string csv_of(std::size_t pairs, double real, double fake) {
  std::string csv = "path,label,p_fake\n";
  for (std::size_t i = 0; i < pairs; ++i) csv += fmt::format("r{0},0,{1}\nf{0},1,{2}\n", i, real, fake);
  return csv;
}

ScoreTable table_of(const std::string& csv) {
  std::istringstream stream(csv);
  ScoreTable table;
  EXPECT_TRUE(read_scores_csv(stream, "trap.csv", {}, table));
  return table;
}

// Celeb-DF's lists have 1 for real, and score files of other programs p_real.
TEST(ListTraps, AFlippedListIsSeenAndNotRepaired) {
  EvaluationOptions options;
  options.bootstrap.rounds = 10;
  const Evaluation evaluation = evaluate_scores(table_of(csv_of(60, .8, .3)), options).value();
  EXPECT_EQ(evaluation.all.video.of(Metric::auc).interval->value, 0.0);
  EXPECT_THAT(polarity_warnings(evaluation), ElementsAre(HasSubstr("wrong way round")));
}

// dfdc winner #25: other versions of its libraries gave .3 to .4 for everything, and nobody was told.
TEST(ListTraps, ScoresThatAreAllAlikeAreSeen) {
  EXPECT_THAT(spread_warning(table_of(csv_of(60, .31, .39))), HasSubstr("between 0.310 and 0.390"));
  EXPECT_EQ(spread_warning(table_of(csv_of(60, .3, .5))), "");
  EXPECT_EQ(spread_warning(table_of(csv_of(40, .3, .3))), "");
}

// SBI inference_dataset.py:75: a number in place of a face that was not found, unseen in the list of scores.
TEST(ListTraps, ANumberNeedsAScore) {
  std::istringstream stream("path,label,p_fake,outcome\na,0,0.5,no_face\n");
  ScoreTable table;
  const auto reading = read_scores_csv(stream, "trap.csv", {}, table);
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().message, HasSubstr("trap.csv:2"));
}

}  // namespace
}  // namespace dfa::test
