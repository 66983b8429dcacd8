#include "report/evaluation_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/csv.hpp"
#include "json_schema.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Names that every form has to escape.
constexpr const char* kOdd = "50% of_$x & {y} | <b>#1~^\\\"q\",\n[z]";

EvaluationReport report_of(std::size_t reals, std::size_t fakes) {
  ScoreTable table;
  for (std::size_t i = 0; i < reals + fakes; ++i) {
    const std::string path = std::to_string(i);
    ScoreRow row;
    row.path = path;
    row.set = kOdd;
    row.method = i < reals ? "" : kOdd;
    row.label = i < reals ? 0 : 1;
    row.p_fake = static_cast<double>(i % 5) / 5;
    EXPECT_TRUE(table.add(row));
  }
  ScoreRow missing;
  missing.path = "gone";
  missing.set = kOdd;
  missing.label = 0;
  missing.outcome = Outcome::no_face;
  EXPECT_TRUE(table.add(missing));
  EvaluationOptions options;
  options.bootstrap.rounds = 20;
  EvaluationReport report;
  report.tool = {"1", "b"};
  report.model_name = kOdd;
  report.model_sha256 = "ab";
  report.precision = "f32";
  report.sources = {kOdd};
  report.role = "test";
  report.evaluation = evaluate_scores(table, options).value();
  report.card = blank_protocol_card();
  report.card.set("dataset", kOdd);
  report.card.stamp("not independent");
  report.tables.push_back({"robustness",
                           "levels & drops",
                           {"code", "level", "auc"},
                           {{std::string("CS"), std::int64_t{1}, report.evaluation.all.video.of(Metric::auc)},
                            {std::string("no data: gap"), 0.5, MetricValue{std::nullopt, "a class is missing", {}}}},
                           {"a note"}});
  return report;
}

TEST(EvaluationFormat, EveryFormCarriesStampCardCoverageAndReasons) {
  const EvaluationReport report = report_of(6, 0);
  for (const EvaluationFormInfo& info : evaluation_forms()) {
    const std::string text = evaluation_text(report, info.form);
    EXPECT_THAT(text, HasSubstr("not independent")) << info.name;
    EXPECT_THAT(text, HasSubstr("unknown")) << info.name;
    EXPECT_THAT(text, HasSubstr("class")) << info.name;  // why there is no AUC
    EXPECT_THAT(text, testing::Not(HasSubstr("nan"))) << info.name;
    EXPECT_EQ(text.back(), '\n') << info.name;
  }
  EXPECT_THAT(evaluation_text(report_of(5, 5), EvaluationForm::text), HasSubstr("(coverage 10/11, 90.9 %)"));
}

TEST(EvaluationFormat, JsonFitsItsSchema) {
  for (const auto& [reals, fakes] : {std::pair<std::size_t, std::size_t>{6, 6}, {0, 3}, {1, 1}}) {
    const auto json = nlohmann::json::parse(evaluation_text(report_of(reals, fakes), EvaluationForm::json));
    EXPECT_THAT(test::schema_violations(test::evaluation_schema(), json), IsEmpty());
  }
  EvaluationReport tables = report_of(1, 1);
  tables.evaluation = {};
  const auto json = nlohmann::json::parse(evaluation_text(tables, EvaluationForm::json));
  EXPECT_THAT(test::schema_violations(test::evaluation_schema(), json), IsEmpty());
  EXPECT_FALSE(json.contains("frame"));
  EXPECT_EQ(json["tables"]["robustness"]["rows"][1]["auc"]["value"], nullptr);
}

TEST(EvaluationFormat, CsvHasEightFieldsInEveryRow) {
  std::istringstream stream(evaluation_text(report_of(4, 4), EvaluationForm::csv));
  CsvReader csv(stream, "evaluation.csv");
  for (std::size_t rows = 0;; ++rows) {
    const auto record = csv.next();
    ASSERT_TRUE(record) << record.error().message;
    if (record->empty()) {
      EXPECT_GT(rows, 50u);
      break;
    }
    EXPECT_EQ(record->size(), 8u);
  }
}

// Outside of what LaTeX knows as its own, no special character stands unescaped, groups close, and every row has as
// many columns as its table.
TEST(EvaluationFormat, LatexIsEscapedAndBalanced) {
  std::istringstream stream(evaluation_text(report_of(4, 4), EvaluationForm::latex));
  std::string line;
  std::size_t columns = 0, rows = 0;
  int depth = 0;
  while (std::getline(stream, line)) {
    if (line.starts_with('%')) continue;
    std::size_t separators = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '\\') {
        ++i;  // the escaped character
        continue;
      }
      EXPECT_EQ(std::string("%$#_^~").find(c), std::string::npos) << line;
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      separators += c == '&' ? 1 : 0;
    }
    EXPECT_EQ(depth, 0) << line;
    if (line.starts_with("\\begin{tabular}"))  // "{@{}lrrr@{}}", or two columns of which one is a paragraph
      columns = line.find("p{") != std::string::npos ? 2 : line.find("@{}}") - line.find("@{}l") - 3;
    if (!line.ends_with("\\\\")) continue;
    EXPECT_EQ(separators + 1, columns) << line;
    ++rows;
  }
  EXPECT_GT(rows, 30u);
}

// A renderer splits at bars that no backslash precedes.
TEST(EvaluationFormat, MarkdownTablesHaveTheirColumns) {
  std::istringstream stream(evaluation_text(report_of(4, 4), EvaluationForm::markdown));
  std::string line;
  std::size_t columns = 0;
  while (std::getline(stream, line)) {
    if (!line.starts_with('|')) {
      columns = 0;
      continue;
    }
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\')
        ++i;
      else if (line[i] == '|')
        ++bars;
    }
    if (columns == 0) columns = bars;
    EXPECT_EQ(bars, columns) << line;
  }
}

}  // namespace
}  // namespace dfa
