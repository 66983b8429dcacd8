#include "report/protocol_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>

#include "report/evaluation_charts.hpp"
#include "report/evaluation_page_tables.hpp"
#include "report/html_page.hpp"
#include "report/html_text.hpp"
#include "report/page_parts.hpp"
#include "report/protocol_table.hpp"
#include "report/protocol_words.hpp"

namespace dfa {
namespace {

constexpr double kPercent = 100;

// A cell with figures, and its scores.
struct DrawnCell {
  const CellResult* result;
  const CellScores* scores;
};

std::vector<DrawnCell> cells_run(const ProtocolPage& page) {
  std::vector<DrawnCell> cells;
  for (const CellScores& scores : page.scores) {
    if (!scores.gap.empty()) continue;
    const CellResult& result = page.report.result.cell(scores.cell);
    if (result.gap.empty()) cells.push_back({&result, &scores});
  }
  return cells;
}

HtmlFact fact(std::string name, const MetricValue& value) {
  if (!value.interval) return {"-", std::move(name), value.undefined};
  const Interval& interval = *value.interval;
  return {fmt::format("{:.2f} %", kPercent * interval.value), std::move(name),
          fmt::format("[{:.2f}, {:.2f}]{}", kPercent * interval.low, kPercent * interval.high,
                      value.caution.empty() ? "" : "*")};
}

// How much was run; then averages, then cells, by the protocol's first figure.
std::string headline(const ProtocolResult& result) {
  const ScoreLevel level = result.protocol.levels.front();
  const Metric metric = result.protocol.metrics.front();
  const std::string figure = fmt::format("{} {}", score_level_name(level), metric_info(metric).title);
  std::vector<HtmlFact> facts = {
      {fmt::format("{} of {}", result.cells_run(), result.cells.size()), "cells run", "the others are gaps"}};
  if (result.cells_run() == result.cells.size()) facts.front().detail.clear();
  for (const AverageResult& average : result.averages)
    if (const MetricValue& value = average.values.at({level, metric}); value.interval)
      facts.push_back(fact(fmt::format("{}, {}", average.average, figure), value));
  for (const CellResult& cell : result.cells)
    if (cell.gap.empty())
      facts.push_back(fact(fmt::format("{}, {}", cell_title(cell.cell), figure), cell.value(level, metric)));
  if (facts.size() > kMostHeadlines) facts.resize(kMostHeadlines);
  return html_facts(facts);
}

bool is_published(const ProtocolTableRow& row) {
  return row.kind == TableRowKind::published;
}

// Cells side by side, what was measured above what was published.
std::string table_across(const ProtocolTable& table) {
  const bool has_published = std::any_of(table.rows.begin(), table.rows.end(), is_published);
  std::vector<HtmlColumn> columns = {{"", ColumnKind::words}};
  if (has_published) columns.push_back({"grade", ColumnKind::words});
  for (const std::string& column : table.columns) columns.push_back({column});
  HtmlTable html(table_title(table), columns);
  const auto add_rows = [&](TableRowKind kind) {
    for (const ProtocolTableRow& row : table.rows) {
      if (row.kind != kind) continue;
      std::vector<std::string> cells = {row.name};
      if (has_published) cells.push_back(row.grade);
      cells.insert(cells.end(), row.cells.begin(), row.cells.end());
      html.add(cells);
    }
  };
  html.add_part("measured here");
  add_rows(TableRowKind::ours);
  if (has_published) html.add_part(kPublishedElsewhere);
  add_rows(TableRowKind::published);
  return html.html();
}

// A line a cell, for protocols of many cells and few methods.
std::string table_down(const ProtocolTable& table) {
  std::vector<HtmlColumn> columns = {{"cell", ColumnKind::words}};
  for (const ProtocolTableRow& row : table.rows)
    columns.push_back({is_published(row) ? fmt::format("published: {} ({})", row.name, row.grade) : row.name});
  HtmlTable html(table_title(table), columns);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::vector<std::string> cells = {table.columns[i]};
    for (const ProtocolTableRow& row : table.rows) cells.push_back(row.cells[i]);
    html.add(cells);
  }
  return html.html();
}

std::string table_html(const ProtocolTable& table) {
  return is_better_turned(table) ? table_down(table) : table_across(table);
}

std::string tables(const ProtocolResult& result) {
  std::string html;
  for (const ProtocolTable& table : protocol_tables(result)) html += table_html(table);
  return html;
}

// A row's tests in one picture, at the protocol's first level; as many pictures as the colours ask for.
std::string row_curves(const ProtocolPage& page, const ProtocolRow& row) {
  const EvaluationOptions& options = page.report.result.options;
  const LevelOptions level{options.video, options.no_face, options.min_frames_per_video};
  const bool frames = page.report.result.protocol.levels.front() == ScoreLevel::frame;
  std::list<LevelScores> held;
  std::vector<NamedScores> curves;
  std::vector<Chart> charts;
  const auto draw = [&] {
    for (Chart& chart : roc_charts(curves)) charts.push_back(std::move(chart));
    curves.clear();
  };
  for (const DrawnCell& cell : cells_run(page)) {
    if (cell.scores->cell.row != row.name) continue;
    held.push_back(frames ? frame_scores(cell.scores->scores, level) : video_scores(cell.scores->scores, level));
    curves.push_back({cell.scores->cell.test, &held.back()});
    if (curves.size() == kMostSeries) draw();
  }
  if (!curves.empty()) draw();
  if (charts.empty()) return "";
  return fmt::format("<h3>{}, {}s</h3>\n", escape_html(row.title.empty() ? row.name : row.title),
                     score_level_name(page.report.result.protocol.levels.front())) +
         charts_html(charts);
}

std::string curves(const ProtocolPage& page) {
  std::string html;
  for (const ProtocolRow& row : page.report.result.protocol.rows) html += row_curves(page, row);
  return html;
}

std::string cell_html(const DrawnCell& cell, const EvaluationOptions& options) {
  const PlottedScores scores = plotted_scores(cell.scores->scores, options);
  std::vector<Chart> charts = roc_charts(scores);
  for (auto make : {risk_charts, reliability_charts})
    for (Chart& chart : make(scores)) charts.push_back(std::move(chart));
  for (Chart& chart : histogram_charts(cell.scores->scores, scores.frame)) charts.push_back(std::move(chart));
  Evaluation evaluation;
  evaluation.all = cell.result->figures;
  return html_details(cell_title(cell.result->cell), charts_html(charts) + metrics_table(evaluation) +
                                                         coverage_table(cell.result->figures.coverage) +
                                                         unscored_table(cell.scores->scores));
}

std::string cells(const ProtocolPage& page) {
  const std::vector<DrawnCell> run = cells_run(page);
  std::string html;
  for (std::size_t i = 0; i < std::min(run.size(), kMostCellsDrawn); ++i)
    html += cell_html(run[i], page.report.result.options);
  if (run.size() > kMostCellsDrawn)
    html += fmt::format("<p class=\"sub\">and {} more cells, in the tables above</p>\n", run.size() - kMostCellsDrawn);
  return html;
}

std::string words(const ProtocolReport& report) {
  std::string html;
  for (const ProtocolSection& section : protocol_sections(report)) {
    std::string list;
    for (const std::string& line : section.lines) list += "<li>" + escape_html(line) + "</li>";
    if (!list.empty()) html += fmt::format("<h3>{}</h3><ul>{}</ul>\n", escape_html(section.title), list);
  }
  return html;
}

std::string origin(const ProtocolPage& page) {
  std::vector<CardItem> items;
  for (const RowSource& source : page.report.result.sources) items.push_back({"row " + source.row, source.words});
  for (const std::string& data : page.report.data) items.push_back({"source", data});
  items.insert(items.end(), page.versions.begin(), page.versions.end());
  return origin_html(page.report.tool, page.command_line, items);
}

}  // namespace

std::string protocol_page_html(const ProtocolPage& page) {
  const Protocol& protocol = page.report.result.protocol;
  std::string html = fmt::format("<h1>{}</h1><p class=\"sub\">{}: {}</p>\n<p>{}</p>\n", escape_html(protocol.title),
                                 escape_html(protocol.name), escape_html(protocol.source), escape_html(protocol.about));
  html += html_note("Stamped: what stands below was not made as a test should be", page.report.stamps);
  html += headline(page.report.result);
  html += section_html("Tables", tables(page.report.result));
  html += section_html("Gaps, rules, sources", words(page.report));
  html += section_html("Curves", curves(page));
  html += section_html("Cell by cell", cells(page));
  html += origin(page);
  return html_page(protocol.title, html);
}

}  // namespace dfa
