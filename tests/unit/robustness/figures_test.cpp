// Means, drops and their intervals, on scores made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.hpp"
#include "eval/robustness.hpp"
#include "eval/robustness_published.hpp"
#include "eval/robustness_transfer.hpp"
#include "report/robustness_tables.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

constexpr auto kAuc = static_cast<std::size_t>(Metric::auc);

struct Made {
  int videos = 20;     // of each class
  int frames = 4;      // of each video
  double apart = 0.1;  // of the classes' means
  std::string set = "made";
  std::string folder = "videos";
  int unscored = 0;  // fakes without a score
};

// Equal noise in every table, so that conditions differ by `apart` alone.
ScoreTable made_table(const Made& made) {
  ScoreTable table;
  for (int label = 0; label < 2; ++label)
    for (int video = 0; video < made.videos; ++video) {
      const std::string key = fmt::format("/{}/{}/{}.mp4", made.folder, label == 1 ? "fake" : "real", video);
      RngStream noise(7, key);
      for (int frame = 0; frame < made.frames; ++frame) {
        const std::string path = fmt::format("{}/{}", key, frame);
        const double p = std::clamp(0.5 + (label - 0.5) * made.apart + 0.1 * noise.normal(), 0.0, 1.0);
        ScoreRow row;
        row.path = path;
        row.set = made.set;
        row.video = key;
        row.label = label;
        row.frame = frame;
        if (label == 1 && video < made.unscored)
          row.outcome = Outcome::no_face, row.problem = "the face is not found again";
        else
          row.p_fake = p;
        const Status added = table.add(row);
        EXPECT_TRUE(added) << added.error().message;
      }
    }
  return table;
}

EvaluationOptions quick() {
  EvaluationOptions options;
  options.bootstrap.rounds = 200;
  return options;
}

double value(const std::vector<MetricValue>& values) {
  return values[kAuc].interval ? values[kAuc].interval->value : std::nan("");
}

TEST(Robustness, MeansAreOverLevelsAndThenOverCodes) {
  const std::vector<Perturbation> perturbations = {{PerturbKind::deeperforensics, "GB", 1},
                                                   {PerturbKind::deeperforensics, "GB", 5},
                                                   {PerturbKind::deeperforensics, "JPEG", 3}};
  std::vector<ScoreTable> tables;
  for (const double apart : {0.2, 0.15, 0.05, 0.1}) {
    Made made;
    made.apart = apart;
    tables.push_back(made_table(made));
  }
  const auto robustness = evaluate_robustness(perturbations, tables, quick());
  ASSERT_TRUE(robustness) << robustness.error().message;
  const auto auc = [&](std::size_t cell) { return value(robustness->cells[cell].figures.video.values); };
  EXPECT_GT(auc(0), auc(1));
  ASSERT_EQ(robustness->codes.size(), 2u);
  EXPECT_NEAR(value(robustness->codes[0].mean.video), (auc(0) + auc(1)) / 2, 1e-15);
  EXPECT_NEAR(value(robustness->codes[1].mean.video), auc(2), 1e-15);
  const double all = ((auc(0) + auc(1)) / 2 + auc(2)) / 2;
  EXPECT_NEAR(value(robustness->overall.mean.video), all, 1e-15);
  EXPECT_NEAR(value(robustness->overall.drop.video), all - value(robustness->clean.video.values), 1e-15);
  EXPECT_LT(robustness->overall.drop.video[kAuc].interval->high, 0);
  EXPECT_THAT(robustness->codes[1].name, HasSubstr("pixelation"));
  EXPECT_EQ(robustness->cells[1].parameter, "k = 21");
  EXPECT_EQ(robustness->overall.least_coverage, 1);
}

TEST(Robustness, ACellThatIsUndefinedLeavesNoMean) {
  Made without_fakes;
  without_fakes.unscored = without_fakes.videos;
  Made half;
  half.unscored = half.videos / 2;
  const std::vector<Perturbation> perturbations = {{PerturbKind::deeperforensics, "GB", 1},
                                                   {PerturbKind::deeperforensics, "GB", 5},
                                                   {PerturbKind::deeperforensics, "CC", 5}};
  const std::vector<ScoreTable> tables = {made_table({}), made_table({}), made_table(without_fakes), made_table(half)};
  const auto robustness = evaluate_robustness(perturbations, tables, quick());
  ASSERT_TRUE(robustness) << robustness.error().message;
  EXPECT_FALSE(robustness->codes[0].mean.video[kAuc].interval);
  EXPECT_THAT(robustness->codes[0].mean.video[kAuc].undefined, HasSubstr("GB level 5: a class is missing"));
  EXPECT_TRUE(robustness->codes[1].mean.video[kAuc].interval);
  EXPECT_FALSE(robustness->overall.drop.frame[kAuc].interval);
  EXPECT_DOUBLE_EQ(robustness->overall.least_coverage, 0.5);
  EXPECT_FALSE(evaluate_robustness(perturbations, std::span(tables).first(2), quick()));
}

TEST(JointFigures, OfOneConditionAreThoseOfEvaluateScores) {
  const ScoreTable table = made_table({});
  const std::vector<Condition> conditions = {{"one", &table}};
  const auto joint = joint_figures(conditions, std::vector<Combination>{{{1.0}}}, quick());
  const auto alone = evaluate_scores(table, quick());
  ASSERT_TRUE(joint && alone);
  for (const auto& [a, b] : {std::pair{&joint->front().frame, &alone->all.frame.values},
                             std::pair{&joint->front().video, &alone->all.video.values}})
    for (std::size_t m = 0; m < kMetricCount; ++m) {
      ASSERT_EQ((*a)[m].interval.has_value(), (*b)[m].interval.has_value()) << m;
      if (!(*a)[m].interval) continue;
      EXPECT_EQ((*a)[m].interval->value, (*b)[m].interval->value) << m;
      EXPECT_EQ((*a)[m].interval->low, (*b)[m].interval->low) << m;
      EXPECT_EQ((*a)[m].interval->high, (*b)[m].interval->high) << m;
    }
}

// Drawn by themselves, two equal tables would differ by chance.
TEST(JointFigures, DrawTheSameVideosInEveryCondition) {
  const ScoreTable table = made_table({});
  Made fewer;
  fewer.unscored = 1;  // its videos are numbered otherwise
  const ScoreTable other = made_table(fewer);
  const std::vector<Condition> same = {{"one", &table}, {"two", &table}}, almost = {{"one", &table}, {"two", &other}};
  const std::vector<Combination> difference = {{{-1.0, 1.0}}, {{1.0, 0.0}}};
  const auto none = joint_figures(same, difference, quick());
  const auto little = joint_figures(almost, difference, quick());
  ASSERT_TRUE(none && little);
  EXPECT_EQ(none->front().video[kAuc].interval->low, 0);
  EXPECT_EQ(none->front().video[kAuc].interval->high, 0);
  const auto width = [](const MetricValue& figure) { return figure.interval->high - figure.interval->low; };
  EXPECT_LT(width((*little)[0].frame[kAuc]), 0.3 * width((*little)[1].frame[kAuc]));
}

TEST(Transfer, ComparesTheSameVideosInTwoCompressions) {
  Made c23, c40;
  c23.apart = 0.2;
  c23.folder = "out23/manipulated/c23/videos";
  c40.folder = "out40/manipulated/c40/videos";
  c40.videos = 18;
  const ScoreTable from = made_table(c23), to = made_table(c40);
  const std::vector<std::string> roots = {"/out23", "/out40"};
  const auto transfer = evaluate_transfer(from, to, roots, quick());
  ASSERT_TRUE(transfer) << transfer.error().message;
  EXPECT_EQ(transfer->common, 36u);
  EXPECT_EQ(transfer->only_from.videos, 4u);
  EXPECT_EQ(transfer->only_from.first, "manipulated/videos/fake/18.mp4");
  EXPECT_EQ(transfer->only_to.videos, 0u);
  EXPECT_NEAR(value(transfer->drop.video), value(transfer->to_common.video) - value(transfer->from_common.video),
              1e-15);
  EXPECT_EQ(value(transfer->to_common.video), value(transfer->to.video.values));
  EXPECT_FALSE(evaluate_transfer(from, to, {}, quick()));  // nothing in common

  ScoreTable both = from;
  ASSERT_TRUE(both.append(to));
  const auto twice = evaluate_transfer(both, to, roots, quick());
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("count as the same video"));
}

TEST(Transfer, OnlyAFolderNamesTheCompression) {
  EXPECT_EQ(path_without_compression("/r/manipulated_sequences/Deepfakes/c23/videos/000_003.mp4", {}),
            path_without_compression("/r/manipulated_sequences/Deepfakes/c40/videos/000_003.mp4", {}));
  EXPECT_NE(path_without_compression("/r/Deepfakes/c23/000.mp4", {}),
            path_without_compression("/r/FaceSwap/c23/000.mp4", {}));
  EXPECT_EQ(path_without_compression("a/c40", {}), "a/c40");  // a video of that name
  const std::vector<std::string> roots = {"/r", "/r/deep/"};
  EXPECT_EQ(path_without_compression("/r/deep/c23/x.mp4", roots), "x.mp4");
  EXPECT_EQ(path_without_compression("/road/x.mp4", roots), "road/x.mp4");
}

TEST(RobustnessTables, PublishedFiguresStandBesideAWholeSweepAlone) {
  std::vector<Perturbation> perturbations;
  for (const std::string_view code : kPublishedCodes)
    for (int level = 1; level <= 5; ++level)
      perturbations.push_back({PerturbKind::deeperforensics, std::string(code), level});
  Made made;
  made.videos = 4;
  const std::vector<ScoreTable> tables(perturbations.size() + 1, made_table(made));
  EvaluationOptions options = quick();
  options.bootstrap.rounds = 10;
  const auto whole = evaluate_robustness(perturbations, tables, options);
  ASSERT_TRUE(whole) << whole.error().message;
  const std::vector<Metric> metrics = {Metric::auc, Metric::brier};
  const std::vector<ReportTable> both = robustness_tables(*whole, metrics);
  ASSERT_EQ(both.size(), 2u);
  for (const ReportTable& table : both)
    for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size());
  EXPECT_EQ(both[0].rows.size(), 1 + 7 * (5 + 2) + 2u);
  const ReportTable& published = both[1];
  EXPECT_EQ(std::get<std::string>(published.rows[0][1]), "measured here");
  EXPECT_EQ(std::get<std::string>(published.rows[6][1]), "paper");
  for (std::size_t i = 1; i < published.rows.size(); ++i) {
    EXPECT_NE(std::get<std::string>(published.rows[i][1]), "measured here");
    EXPECT_TRUE(std::holds_alternative<double>(published.rows[i][2]));  // a figure without an interval of ours
  }
  EXPECT_EQ(published.columns[8], "pixelation");
  const auto part = evaluate_robustness(std::span(perturbations).first(34), std::span(tables).first(35), options);
  ASSERT_TRUE(part);
  EXPECT_EQ(robustness_tables(*part, metrics).size(), 1u);
}

// A typing error would stand beside our figures for years.
TEST(Published, MeansAndDropsFollowFromTheColumns) {
  constexpr double kRounding = 0.0005 + 1e-9;
  constexpr double kTheirOwn = 0.0015;  // the columns of SpeechForensics come to .940, its table says .941
  for (const PublishedRobustness& row : published_robustness()) {
    double sum = 0;
    for (const double code : row.codes) sum += code;
    EXPECT_NEAR(sum / static_cast<double>(row.codes.size()), row.mean,
                row.grade == PublishedGrade::paper ? kTheirOwn : kRounding)
        << row.method;
    EXPECT_NEAR(row.mean - row.clean, row.drop, kRounding) << row.method;
  }
}

}  // namespace
}  // namespace dfa::test
