#include "report/protocol_csv.hpp"

#include <fmt/ranges.h>

#include "base/csv.hpp"
#include "report/protocol_table.hpp"

namespace dfa {
namespace {

class CsvWriter {
 public:
  explicit CsvWriter(const ProtocolResult& result) : result_(result) {}

  std::string run() {
    for (const ScoreLevel level : result_.protocol.levels)
      for (const Metric metric : result_.protocol.metrics) ours(level, metric);
    for (const PublishedRow& row : result_.protocol.published) published(row);
    return csv_;
  }

 private:
  void line(const std::vector<std::string>& fields) {
    std::vector<std::string> safe;
    safe.reserve(fields.size());
    for (const std::string& field : fields) safe.push_back(csv_field(field));
    csv_ += fmt::format("{}\n", fmt::join(safe, ","));
  }
  static std::string number(double share) { return fmt::format("{:.6f}", 100 * share); }

  void ours(ScoreLevel level, Metric metric) {
    const std::string level_word(score_level_name(level)), metric_word(metric_info(metric).name);
    for (const CellResult& cell : result_.cells) {
      const LevelFigures& figures = level == ScoreLevel::frame ? cell.figures.frame : cell.figures.video;
      const bool run = cell.gap.empty();
      our_line(level_word, metric_word, cell.cell.row, cell.cell.test, cell.value(level, metric),
               run ? std::to_string(figures.reals) : "", run ? std::to_string(figures.fakes) : "");
    }
    for (const AverageResult& average : result_.averages)
      our_line(level_word, metric_word, "average", average.average, average.values.at({level, metric}), "", "");
  }
  void our_line(const std::string& level, const std::string& metric, const std::string& row, const std::string& test,
                const MetricValue& value, const std::string& reals, const std::string& fakes) {
    std::vector<std::string> numbers(3);
    if (value.interval)
      numbers = {number(value.interval->value), number(value.interval->low), number(value.interval->high)};
    line({"ours", "", "", level, metric, row, test, numbers[0], numbers[1], numbers[2], reals, fakes, value.undefined});
  }

  void published(const PublishedRow& row) {
    const std::string level(score_level_name(row.level)), metric(metric_info(row.metric).name);
    const auto put = [&](const std::string& from, const std::string& to, const PublishedFigure& figure) {
      std::vector<std::string> notes;
      if (!row.inferred.empty()) notes.push_back(fmt::format("inferred: {}", fmt::join(row.inferred, " ")));
      for (const std::string& note : {row.source, row.note, figure.note})
        if (!note.empty()) notes.push_back(note);
      if (figure.deviation) notes.push_back("deviation over seeds " + published_number(*figure.deviation));
      const std::string high = figure.to ? published_number(*figure.to) : "";
      const std::string low = figure.to ? published_number(figure.value) : "";
      line({"published", row.method, std::string(grade_name(figure.grade.value_or(row.grade))), level, metric, from, to,
            figure.to ? "" : published_number(figure.value), low, high, "", "",
            fmt::format("{}", fmt::join(notes, "; "))});
    };
    for (const auto& [cell, figure] : row.cells) put(cell.row, cell.test, figure);
    for (const auto& [name, figure] : row.averages) put("average", name, figure);
  }

  const ProtocolResult& result_;
  std::string csv_ = "who,method,grade,level,metric,row,test,percent,low,high,reals,fakes,note\n";
};

}  // namespace

std::string protocol_csv(const ProtocolResult& result) {
  return CsvWriter(result).run();
}

}  // namespace dfa
