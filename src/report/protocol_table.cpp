#include "report/protocol_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace dfa {
namespace {

constexpr double kPercent = 100;
constexpr std::size_t kWideColumns = 10;

std::string percent(double share) {
  return fmt::format("{:.2f}", kPercent * share);
}

std::string coverage(const Coverage& counted, ScoreLevel level) {
  if (!counted.known) return "unknown";
  return percent(level == ScoreLevel::frame ? counted.share_crops() : counted.share());
}

// Our lines: value, both ends of the interval, how many items of each class, share of the listed items with a
// score.
std::vector<ProtocolTableRow> our_rows(const ProtocolResult& result, ScoreLevel level, Metric metric) {
  const std::string items = level == ScoreLevel::frame ? "crops" : "videos";
  const std::vector<std::string> names = {"ours, measured", "  95 % low", "  95 % high", "  real + fake " + items,
                                          "  coverage of " + items};
  std::vector<ProtocolTableRow> rows(names.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = names[i];
  const auto put = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].cells.push_back(cells[i]);
  };
  const std::string none(kNoFigure);
  for (const CellResult& cell : result.cells) {
    const MetricValue value = cell.value(level, metric);
    const LevelFigures& figures = level == ScoreLevel::frame ? cell.figures.frame : cell.figures.video;
    const std::string counts = cell.gap.empty() ? fmt::format("{}+{}", figures.reals, figures.fakes) : none;
    const std::string covered = cell.gap.empty() ? coverage(cell.figures.coverage, level) : none;
    if (value.interval)
      put({percent(value.interval->value), percent(value.interval->low), percent(value.interval->high), counts,
           covered});
    else
      put({none, none, none, counts, covered});
  }
  for (const AverageResult& average : result.averages) {
    const std::optional<Interval>& mean = average.values.at({level, metric}).interval;
    if (mean)
      put({percent(mean->value), percent(mean->low), percent(mean->high), none, none});
    else
      put({none, none, none, none, none});
  }
  return rows;
}

// On a second-hand figure in a row of its authors' own.
constexpr char kSecondHandMark = 's';

bool is_graded_otherwise(const PublishedFigure& figure, const PublishedRow& row) {
  return figure.grade && *figure.grade != row.grade && *figure.grade == Grade::second_hand;
}

ProtocolTableRow published_row(const ProtocolResult& result, const PublishedRow& published) {
  ProtocolTableRow row;
  row.kind = TableRowKind::published;
  row.name = published.method;
  row.grade = std::string(grade_name(published.grade)) + (published.inferred.empty() ? "" : "*");
  const auto put = [&](const auto& figures, const auto& key) {
    const auto at = figures.find(key);
    std::string text = at == figures.end() ? std::string(kNoFigure) : published_text(at->second);
    if (at != figures.end() && is_graded_otherwise(at->second, published)) text += kSecondHandMark;
    row.cells.push_back(std::move(text));
  };
  for (const CellName& cell : result.protocol.cells) put(published.cells, cell);
  for (const ProtocolAverage& average : result.protocol.averages) put(published.averages, average.name);
  return row;
}

// What has to be said of one published figure.
std::string remark(const PublishedFigure& figure, const PublishedRow& row) {
  std::string text = figure.note;
  if (figure.grade && *figure.grade != row.grade)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", grade_name(*figure.grade));
  return text;
}

}  // namespace

std::string published_number(double percent) {
  std::string text = fmt::format("{:.2f}", percent);
  if (text.ends_with('0')) text.pop_back();
  return text;
}

std::string published_text(const PublishedFigure& figure) {
  std::string text = published_number(figure.value);
  if (figure.to) text += "-" + published_number(*figure.to);
  if (figure.deviation) text += "+-" + published_number(*figure.deviation);
  return text;
}

bool is_better_turned(const ProtocolTable& table) {
  return table.columns.size() > kWideColumns && table.rows.size() < table.columns.size();
}

std::string table_title(const ProtocolTable& table) {
  return fmt::format("{} {}, %", score_level_name(table.level), metric_info(table.metric).title);
}

std::vector<ProtocolTable> protocol_tables(const ProtocolResult& result) {
  std::vector<ProtocolTable> tables;
  for (const ScoreLevel level : result.protocol.levels)
    for (const Metric metric : result.protocol.metrics) {
      ProtocolTable table{level, metric, {}, our_rows(result, level, metric)};
      for (const CellName& cell : result.protocol.cells) table.columns.push_back(cell_title(cell));
      for (const ProtocolAverage& average : result.protocol.averages) table.columns.push_back(average.name);
      for (const PublishedRow& published : result.protocol.published)
        if (published.level == level && published.metric == metric)
          table.rows.push_back(published_row(result, published));
      tables.push_back(std::move(table));
    }
  return tables;
}

std::vector<std::string> gap_lines(const ProtocolResult& result) {
  std::vector<std::string> lines;
  for (const CellResult& cell : result.cells) {
    if (!cell.gap.empty()) lines.push_back(fmt::format("{}: not run: {}", cell_title(cell.cell), cell.gap));
    if (!cell.gap.empty()) continue;
    std::set<std::string> reasons;
    for (const ScoreLevel level : result.protocol.levels)
      for (const Metric metric : result.protocol.metrics)
        if (const MetricValue value = cell.value(level, metric); !value.interval)
          reasons.insert(fmt::format("{}: {} {}: {}", cell_title(cell.cell), score_level_name(level),
                                     metric_info(metric).title, value.undefined));
    lines.insert(lines.end(), reasons.begin(), reasons.end());
  }
  for (const AverageResult& average : result.averages) {
    const MetricValue& value = average.values.begin()->second;
    if (!value.interval) lines.push_back(fmt::format("{}: no average {}", average.average, value.undefined));
  }
  return lines;
}

std::vector<std::string> note_lines(const ProtocolResult& result) {
  std::vector<std::string> lines;
  for (const CellResult& cell : result.cells) {
    for (const std::string& note : cell.notes) lines.push_back(fmt::format("{}: {}", cell_title(cell.cell), note));
    std::set<std::string> cautions;
    for (const ScoreLevel level : result.protocol.levels)
      for (const Metric metric : result.protocol.metrics) cautions.insert(cell.value(level, metric).caution);
    cautions.erase("");
    for (const std::string& caution : cautions) lines.push_back(fmt::format("{}: {}", cell_title(cell.cell), caution));
  }
  for (const ProtocolTest& test : result.protocol.tests)
    if (!test.note.empty()) lines.push_back(fmt::format("{}: {}", test.name, test.note));
  return lines;
}

std::vector<std::string> published_lines(const ProtocolResult& result) {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> said;  // methods, and what is to be said of all of them
  bool inferred = false;
  for (const PublishedRow& row : result.protocol.published) {
    inferred = inferred || !row.inferred.empty();
    std::vector<std::string> parts;
    if (!row.source.empty()) parts.push_back(row.source);
    if (!row.inferred.empty()) parts.push_back(fmt::format("inferred, not stated: {}", fmt::join(row.inferred, ", ")));
    if (!row.note.empty()) parts.push_back(row.note);
    for (const auto& [cell, figure] : row.cells)
      if (const std::string text = remark(figure, row); !text.empty())
        parts.push_back(fmt::format("{}: {}", cell_title(cell), text));
    for (const auto& [name, figure] : row.averages)
      if (const std::string text = remark(figure, row); !text.empty())
        parts.push_back(fmt::format("{}: {}", name, text));
    if (parts.empty()) continue;
    const std::string what =
        fmt::format("({} {}): {}", score_level_name(row.level), metric_info(row.metric).title, fmt::join(parts, "; "));
    const auto same = std::find_if(said.begin(), said.end(), [&](const auto& one) { return one.second == what; });
    if (same == said.end())
      said.emplace_back(row.method, what);
    else
      same->first += " / " + row.method;
  }
  lines.reserve(lines.size() + said.size());
  for (const auto& [methods, what] : said) lines.push_back(fmt::format("{} {}", methods, what));
  const bool marked =
      std::any_of(result.protocol.published.begin(), result.protocol.published.end(), [](const auto& row) {
        return std::any_of(row.cells.begin(), row.cells.end(),
                           [&](const auto& cell) { return is_graded_otherwise(cell.second, row); });
      });
  if (marked) lines.insert(lines.begin(), "s second-hand figure in a row of its authors' own");
  if (inferred) lines.insert(lines.begin(), "* something about the figures was inferred, not stated by their source");
  return lines;
}

}  // namespace dfa
