// The page of an evaluation: what it holds, that nothing in it is taken for its own, and that it stays small.
#include "report/evaluation_page.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "base/rng.hpp"
#include "report/evaluation_charts.hpp"
#include "report/thumbnail.hpp"
#include "report/worst_errors.hpp"

namespace dfa::test {
namespace {

constexpr const char* kHostile = "<script>alert(\"1\")</script>'&";

ScoreRow row_of(std::string_view path, std::string_view video, std::string_view method, int label, double p_fake) {
  ScoreRow row;
  row.path = path;
  row.video = video;
  row.method = method;
  row.label = label;
  row.p_fake = p_fake;
  return row;
}

// 40 videos of two frames, fakes of two methods, one input without a score.
ScoreTable made_scores(const std::string& method = "swap") {
  ScoreTable scores;
  RngStream stream(7, "page");
  for (int video = 0; video < 40; ++video)
    for (int frame = 0; frame < 2; ++frame) {
      const int label = video % 2;
      const std::string path = fmt::format("v{}/{}.png", video, frame), key = fmt::format("v{}", video);
      const double p = 0.5 * stream.uniform() + 0.3 * label;
      EXPECT_TRUE(scores.add(row_of(path, key, label == 0 ? "" : video % 4 == 1 ? method : "other", label, p)));
    }
  ScoreRow lost = row_of(kHostile, "lost", "other", 1, 0);
  lost.p_fake.reset();
  lost.outcome = Outcome::no_face;
  lost.problem = "no \"face\" <found>";
  EXPECT_TRUE(scores.add(lost));
  return scores;
}

EvaluationReport report_of(const ScoreTable& scores) {
  EvaluationReport report;
  EvaluationOptions options;
  options.bootstrap.rounds = 50;
  report.evaluation = *evaluate_scores(scores, options);
  report.tool = {"1.0", "abc"};
  report.model_name = kHostile;
  report.model_sha256 = std::string(64, 'a');
  report.sources = {kHostile};
  report.card = blank_protocol_card();
  report.card.set("dataset", kHostile);
  report.card.stamp(kHostile);
  report.notes = {kHostile};
  report.tables = {{"legacy", kHostile, {"what", "value"}, {{std::string(kHostile), 0.5}}, {kHostile}}};
  return report;
}

TEST(EvaluationPage, HoldsEverythingAndNeedsNothing) {
  const ScoreTable scores = made_scores(kHostile);
  const EvaluationReport report = report_of(scores);
  EvaluationPage page{report, scores, std::string("dfa evaluate ") + kHostile, {{"machine", kHostile}}, {}};
  page.thumbnail = [](std::size_t row) { return row == 0 ? std::string("data:image/jpeg;base64,AAAA") : ""; };
  const std::string html = evaluation_page_html(page);
  for (const char* part :
       {"Stamped", "Protocol card", "ROC, few false positives", "Reliability, frames", "Risk and coverage",
        "Scores: other", "By method", "Worst errors", "What was not scored", "no &quot;face&quot; &lt;found&gt;",
        "no picture", "SHA-256 aaaa", "&lt;script&gt;alert(&quot;1&quot;)", "prefers-color-scheme:dark", "@media print",
        "scope=\"row\"", "What the figures are"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  for (const char* outside : {"<script", "http:", "https:", "url(", "@import", "nan", "src=\"/", "\"1\""})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside << html.substr(html.find(outside) - 80, 160);
}

TEST(EvaluationPage, SaysWhyThereIsNoNumber) {
  const ScoreTable reals = made_scores().filtered([](const ScoreRow& row) { return row.label == 0; });
  const EvaluationReport report = report_of(reals);
  const std::string html = evaluation_page_html({report, reals, "", {}, {}});
  EXPECT_NE(html.find(report.evaluation.all.video.of(Metric::auc).undefined.substr(0, 12)), std::string::npos);
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_EQ(html.find("ROC, few"), std::string::npos);
}

// A hundred methods, long names, many inputs without a score: bounded all the same.
TEST(EvaluationPage, StaysSmall) {
  ScoreTable scores;
  RngStream stream(8, "page");
  const std::string name(200, 'm');
  for (int i = 0; i < 6'000; ++i) {
    const int label = i % 2;
    const std::string path = fmt::format("{}{}", name, i),
                      method = label == 0 ? "" : fmt::format("{}{}", name, i % 500);
    ScoreRow row = row_of(path, "", method, label, stream.uniform());
    if (i % 10 == 0) {
      row.p_fake.reset();
      row.outcome = Outcome::decode_error;
      row.problem = name;
    }
    ASSERT_TRUE(scores.add(row));
  }
  EvaluationOptions options;
  options.bootstrap.rounds = 1;
  options.metrics = {Metric::auc};
  EvaluationReport report;
  report.evaluation = *evaluate_scores(scores, options);
  const std::string html = evaluation_page_html({report, scores, "", {}, {}});
  EXPECT_LT(html.size(), 1'500'000U);
  EXPECT_NE(html.find("more methods"), std::string::npos);
}

TEST(ThinnedCurve, KeepsTheEndsAndTheStepsOfALongRoc) {
  constexpr int kPoints = 200'000;
  std::vector<PlotPoint> roc;
  for (int i = 0; i <= kPoints; ++i) {
    const double x = static_cast<double>(i) / kPoints;
    roc.push_back({x, std::pow(x, 0.1)});
  }
  for (const Scale scale : {Scale::linear, Scale::log}) {
    const double low = scale == Scale::log ? 1e-5 : 0;
    const std::vector<ChartPoint> kept = thinned_curve(roc, scale, low, 1);
    EXPECT_LE(kept.size(), 4U * (kPlotColumns + 1));
    EXPECT_NEAR(kept.front().x, low, 1e-12);
    EXPECT_NEAR(kept.back().x, 1, 1e-12);
    EXPECT_EQ(kept.back().y, 1);
    for (const ChartPoint& point : kept)
      EXPECT_TRUE(point.x <= 1.01 * low || std::abs(point.y - std::pow(point.x, 0.1)) < 1e-9) << point.x;
  }
}

TEST(LevelCharts, DrawRobustnessRowsAndNothingElse) {
  const auto value = [](double v) {
    return MetricValue{.interval = Interval{v, v - 0.1, v + 0.05}, .undefined = "", .caution = ""};
  };
  ReportTable table{"robustness", "Robustness", {"code", "level", "video_auc"}, {}, {}};
  table.rows = {{std::string("clean"), std::string("0"), value(0.9)},
                {std::string("blur"), std::string("1"), value(0.8)},
                {std::string("blur"), std::string("2"), value(0.7)},
                {std::string("blur"), std::string("mean"), value(0.75)},
                {std::string("jpeg"), std::string("1"),
                 MetricValue{.interval = {}, .undefined = "a class is missing", .caution = ""}}};
  const std::vector<Chart> charts = level_charts(table);
  ASSERT_EQ(charts.size(), 1U);
  ASSERT_EQ(charts[0].series.size(), 1U);
  ASSERT_EQ(charts[0].series[0].points.size(), 3U);
  EXPECT_EQ(charts[0].series[0].points[0].y, 0.9);
  EXPECT_EQ(*charts[0].series[0].points[2].low, 0.7 - 0.1);
  table.key = "legacy";
  EXPECT_TRUE(level_charts(table).empty());
}

TEST(WorstErrors, AreOnePerVideoAndMostWrongFirst) {
  ScoreTable scores;
  for (const auto& [path, video, label, p] : {std::tuple{"a0", "a", 0, .2},
                                              {"a1", "a", 0, .9},
                                              {"b", "b", 0, .5},
                                              {"c", "c", 0, .95},
                                              {"d0", "d", 1, .3},
                                              {"d1", "d", 1, .1},
                                              {"e", "e", 1, .05}})
    ASSERT_TRUE(scores.add(row_of(path, video, "", label, p)));
  const WorstErrors errors = worst_errors(scores, 2);
  EXPECT_EQ(errors.reals, (std::vector<std::size_t>{3, 1}));
  EXPECT_EQ(errors.fakes, (std::vector<std::size_t>{6, 5}));
}

TEST(Thumbnail, Base64IsRfc4648) {
  const auto encoded = [](std::string_view text) { return base64(std::as_bytes(std::span(text))); };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace dfa::test
