// What a protocol comes to: figures where there are scores, gaps where there are none, averages only when complete.
#include "eval/protocol_run.hpp"

#include <gmock/gmock.h>

namespace dfa::test {
namespace {

using testing::HasSubstr;

EvaluationOptions quick() {
  EvaluationOptions options;
  options.bootstrap.rounds = 50;
  options.bootstrap.threads = 1;
  return options;
}

// Four videos of two crops; the fakes are `lead` of four pairs ahead.
CellScores scores(const CellName& cell, int lead) {
  CellScores made;
  made.cell = cell;
  for (int video = 0; video < 4; ++video)
    for (int frame = 0; frame < 2; ++frame) {
      const std::string name = fmt::format("{}/v{}", cell_title(cell), video),
                        path = fmt::format("{}/{}.png", name, frame);
      const int label = video % 2;
      const double p_fake = label == 0 ? 0.5 : 0.45 + 0.1 * static_cast<double>(video == 1 ? lead > 1 : lead > 0);
      ScoreRow row;
      row.path = path;
      row.video = name;
      row.label = label;
      row.p_fake = p_fake;
      const Status added = made.scores.add(row);
      EXPECT_TRUE(added) << added.error().message;
    }
  return made;
}

ProtocolResult ran(const std::string& name, const std::vector<CellScores>& cells) {
  auto result = run_protocol(*find_protocol(name), cells, quick());
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : ProtocolResult{};
}

// Nothing that others published may come into our column.
TEST(ProtocolRun, WithoutScoresThereIsNoFigureAnywhere) {
  for (const std::string& name : protocol_names()) {
    const ProtocolResult result = ran(name, {});
    EXPECT_EQ(result.cells_run(), 0u);
    EXPECT_EQ(result.cells.size(), result.protocol.cells.size());
    for (const CellResult& cell : result.cells)
      for (const ScoreLevel level : {ScoreLevel::frame, ScoreLevel::video})
        for (const MetricInfo& metric : metric_registry()) {
          const MetricValue value = cell.value(level, metric.id);
          EXPECT_FALSE(value.interval) << name << " " << cell_title(cell.cell);
          EXPECT_THAT(value.undefined, HasSubstr("not run"));
        }
    for (const AverageResult& average : result.averages)
      for (const auto& [key, value] : average.values) EXPECT_FALSE(value.interval) << name << " " << average.average;
  }
}

TEST(ProtocolRun, EveryProtocolRunsWhole) {
  for (const std::string& name : protocol_names()) {
    std::vector<CellScores> cells;
    const Protocol protocol = *find_protocol(name);
    for (const CellName& cell : protocol.cells) cells.push_back(scores(cell, 2));
    const ProtocolResult result = ran(name, cells);
    EXPECT_EQ(result.cells_run(), result.cells.size());
    for (const CellResult& cell : result.cells)
      for (const ScoreLevel level : result.protocol.levels)
        for (const Metric metric : result.protocol.metrics)
          EXPECT_TRUE(cell.value(level, metric).interval) << name << " " << cell_title(cell.cell);
    for (const AverageResult& average : result.averages)
      for (const auto& [key, value] : average.values) {
        ASSERT_TRUE(value.interval) << name << " " << average.average;
        if (key.second == Metric::auc) {
          EXPECT_DOUBLE_EQ(value.interval->value, 1.0);
        }
      }
  }
}

TEST(ProtocolRun, TheAverageIsThePlainMeanAndNeedsAllItsCells) {
  const CellName cells[] = {{"DF", "DFDC"}, {"DF", "CDF"}, {"DF", "DF1.0"},
                            {"FS", "DFDC"}, {"FS", "CDF"}, {"FS", "DF1.0"}};
  std::vector<CellScores> made;
  for (int i = 0; i < 6; ++i) made.push_back(scores(cells[i], i % 3));
  const ProtocolResult whole = ran("table7", made);
  EXPECT_EQ(whole.cell({"DF", "CDF"}).value(ScoreLevel::frame, Metric::auc).interval->value, 0.5);
  EXPECT_DOUBLE_EQ(whole.averages[0].values.at({ScoreLevel::frame, Metric::auc}).interval->value, (0 + 0.5 + 1) / 3);
  made.pop_back();
  const ProtocolResult part = ran("table7", made);
  EXPECT_EQ(part.cells_run(), 5u);
  const MetricValue& average = part.averages[0].values.at({ScoreLevel::frame, Metric::auc});
  EXPECT_FALSE(average.interval);
  EXPECT_EQ(average.undefined, "without FS->DF1.0");
}

TEST(ProtocolRun, CellsThatShareTheirVideosAreDrawnAlike) {
  // Two models that say the same of one test: the mean of two equal figures varies as each of them.
  const auto cell = [](const std::string& row, const std::string& test) {
    CellScores made;
    made.cell = {row, test};
    for (int i = 0; i < 60; ++i) {
      const std::string path = fmt::format("{}.png", i);
      ScoreRow line;
      line.path = path;
      line.label = i % 2;
      line.p_fake = 0.01 * static_cast<double>((37 * i) % 60) + (i % 2 == 1 ? 0.1 : 0.0);
      EXPECT_TRUE(made.scores.add(line));
    }
    return made;
  };
  Protocol same = *find_protocol("table7");
  same.averages[0].cells = {{"DF", "CDF"}, {"FS", "CDF"}};
  Protocol other = same;
  other.averages[0].cells = {{"DF", "CDF"}, {"FS", "DFDC"}};
  const std::vector<CellScores> scores = {cell("DF", "CDF"), cell("FS", "CDF"), cell("FS", "DFDC")};
  EvaluationOptions options = quick();
  options.bootstrap.rounds = 400;
  const auto width = [&](const Protocol& protocol) {
    const ProtocolResult result = *run_protocol(protocol, scores, options);
    const Interval mean = *result.averages[0].values.at({ScoreLevel::frame, Metric::auc}).interval;
    return mean.high - mean.low;
  };
  const Interval single =
      *run_protocol(same, scores, options)->cell({"DF", "CDF"}).value(ScoreLevel::frame, Metric::auc).interval;
  EXPECT_NEAR(width(same), single.high - single.low, 0.2 * (single.high - single.low));
  EXPECT_LT(width(other), 0.85 * width(same));  // independent: narrower by about the root of two
}

TEST(ProtocolRun, ACellWithoutAnyScoreIsAGap) {
  CellScores unread = scores({"FF", "CDF"}, 2);
  ScoreTable table;
  for (std::size_t i = 0; i < unread.scores.size(); ++i) {
    ScoreRow row = unread.scores.row(i);
    row.p_fake.reset();
    row.outcome = Outcome::decode_error;
    EXPECT_TRUE(table.add(row));
  }
  unread.scores = std::move(table);
  const ProtocolResult result = ran("table6", {unread});
  EXPECT_EQ(result.cells_run(), 0u);
  EXPECT_EQ(result.cells[0].gap, "none of its 8 crops has a score");
}

TEST(ProtocolRun, ACellOfOneClassIsUndefinedAndNoZero) {
  CellScores fakes = scores({"FF", "CDF"}, 2);
  fakes.scores = fakes.scores.filtered([](const ScoreRow& row) { return row.label == 1; });
  const ProtocolResult result = ran("table6", {fakes});
  const MetricValue value = result.cell({"FF", "CDF"}).value(ScoreLevel::frame, Metric::auc);
  EXPECT_FALSE(value.interval);
  EXPECT_FALSE(value.undefined.empty());
}

TEST(ProtocolRun, AGapKeepsItsReason) {
  CellScores gap;
  gap.cell = {"FF", "DFDC"};
  gap.gap = "no manifest has set dfdc";
  const ProtocolResult result = ran("table6", {scores({"FF", "CDF"}, 1), gap});
  EXPECT_EQ(result.cell({"FF", "DFDC"}).value(ScoreLevel::frame, Metric::eer).undefined,
            "not run: no manifest has set dfdc");
}

}  // namespace
}  // namespace dfa::test
