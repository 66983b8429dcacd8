// One long table: a number a row, so that any program can filter it. Columns:
// table,row,level,name,value,low,high,text
#include <fmt/format.h>

#include "base/csv.hpp"
#include "report/evaluation_forms.hpp"

namespace dfa {
namespace {

// Shortest text that reads back as the same number.
std::string number(double value) {
  return fmt::format("{}", value);
}

class Rows {
 public:
  void add(std::string_view table, std::string_view row, std::string_view level, std::string_view name,
           std::string_view value, std::string_view low, std::string_view high, std::string_view text) {
    text_ += fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(table), csv_field(row), csv_field(level),
                         csv_field(name), value, low, high, csv_field(text));
  }
  void add(std::string_view table, std::string_view row, std::string_view level, std::string_view name,
           const MetricValue& value) {
    if (value.interval)
      add(table, row, level, name, number(value.interval->value), number(value.interval->low),
          number(value.interval->high), "");
    else
      add(table, row, level, name, "", "", "", "undefined: " + value.undefined);
  }
  void count(std::string_view table, std::string_view row, std::string_view level, std::string_view name,
             std::size_t value) {
    add(table, row, level, name, fmt::format("{}", value), "", "", "");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_ = "table,row,level,name,value,low,high,text\n";
};

void add_values(Rows& rows, std::string_view name, std::string_view level, const std::vector<MetricValue>& values) {
  for (const MetricInfo& info : metric_registry())
    if (static_cast<std::size_t>(info.id) < values.size())
      rows.add("figures", name, level, info.name, values[static_cast<std::size_t>(info.id)]);
}

void add_figures(Rows& rows, const std::string& name, const Figures& figures) {
  for (const auto& [level, of] :
       {std::pair<std::string_view, const LevelFigures&>{"frame", figures.frame}, {"video", figures.video}}) {
    rows.count("figures", name, level, "reals", of.reals);
    rows.count("figures", name, level, "fakes", of.fakes);
    add_values(rows, name, level, of.values);
  }
  const Coverage& coverage = figures.coverage;
  for (const auto& [level, counts, share] :
       {std::tuple<std::string_view, const OutcomeCounts&, double>{"frame", coverage.crops, coverage.share_crops()},
        {"video", coverage.videos, coverage.share()}}) {
    rows.count("coverage", name, level, "scored", counts.scored());
    rows.count("coverage", name, level, "inputs", counts.inputs());
    rows.add("coverage", name, level, "share", coverage.known ? number(share) : "", "", "",
             coverage.known ? "" : "unknown");
  }
}

void add_table(Rows& rows, const ReportTable& table) {
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    for (std::size_t k = 0; k < table.rows[i].size() && k < table.columns.size(); ++k) {
      const ReportCell& cell = table.rows[i][k];
      const std::string row = fmt::format("{}", i + 1);
      if (const auto* text = std::get_if<std::string>(&cell))
        rows.add(table.key, row, "", table.columns[k], "", "", "", *text);
      else if (const auto* whole = std::get_if<std::int64_t>(&cell))
        rows.add(table.key, row, "", table.columns[k], fmt::format("{}", *whole), "", "", "");
      else if (const auto* value = std::get_if<double>(&cell))
        rows.add(table.key, row, "", table.columns[k], number(*value), "", "", "");
      else
        rows.add(table.key, row, "", table.columns[k], std::get<MetricValue>(cell));
    }
  for (const std::string& note : table.notes) rows.add(table.key, "", "", "note", "", "", "", note);
}

}  // namespace

std::string evaluation_as_csv(const EvaluationReport& report) {
  Rows rows;
  for (const std::string& stamp : report.card.stamps) rows.add("stamp", "", "", "", "", "", "", stamp);
  const Evaluation& evaluation = report.evaluation;
  add_figures(rows, "all", evaluation.all);
  for (const auto& [name, figures] : evaluation.sets) add_figures(rows, "set " + name, figures);
  for (const auto& [name, figures] : evaluation.methods) add_figures(rows, "method " + name, figures);
  for (const auto& [name, average] :
       {std::pair<std::string_view, const AverageFigures&>{"mean over sets", evaluation.over_sets},
        {"mean over methods", evaluation.over_methods}}) {
    add_values(rows, name, "frame", average.frame);
    add_values(rows, name, "video", average.video);
  }
  for (const ReportTable& table : report.tables) add_table(rows, table);
  for (const std::string& note : report.notes) rows.add("note", "", "", "", "", "", "", note);
  for (const CardItem& item : report.card.items) rows.add("card", "", "", item.key, "", "", "", item.value);
  return rows.take();
}

}  // namespace dfa
