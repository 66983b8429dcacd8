// The forms of a study's table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "report/markup.hpp"
#include "train/study/study_table.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<std::string>;

// A table of words, before it takes a form.
struct Grid {
  std::string title;
  Cells head;
  std::vector<Cells> rows;
};

std::string spread_text(const SeedSpread& spread, std::string_view plus_minus) {
  const auto mean = spread.mean();
  if (!mean) return "- (" + spread.undefined + ")";
  const auto deviation = spread.deviation();
  return deviation ? fmt::format("{:.4f} {} {:.4f}", *mean, plus_minus, *deviation) : fmt::format("{:.4f}", *mean);
}

std::string number_text(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

Grid figures_grid(const StudyTable& table, std::string_view plus_minus) {
  Grid grid{
      fmt::format("{}: {} {} over seeds {}", table.study, table.level, table.metric, fmt::join(table.seeds, ", ")),
      {},
      {}};
  grid.head = table.axes.empty() ? Cells{"combination"} : table.axes;
  for (const char* name : {"trained", "cells", "validation AUC"}) grid.head.emplace_back(name);
  grid.head.insert(grid.head.end(), table.columns.begin(), table.columns.end());
  for (const StudyRow& row : table.rows) {
    Cells cells = table.axes.empty() ? Cells{row.combination} : row.values;
    cells.push_back(std::to_string(row.trained_parameters));
    cells.push_back(fmt::format("{}/{}", row.finished, row.cells));
    cells.push_back(spread_text(row.validation, plus_minus));
    for (const SeedSpread& figure : row.figures) cells.push_back(spread_text(figure, plus_minus));
    grid.rows.push_back(std::move(cells));
  }
  return grid;
}

Grid comparisons_grid(const StudyTable& table) {
  Grid grid{"Paired tests: first - second",
            {"column", "first", "second", "difference", "95 %", "p", "p (Holm)", "reals", "fakes", "seeds"},
            {}};
  for (const StudyComparison& c : table.comparisons) {
    const std::string interval = c.low && c.high ? fmt::format("[{:.4f}, {:.4f}]", *c.low, *c.high) : "-";
    grid.rows.push_back({c.column, c.first, c.second,
                         c.difference ? fmt::format("{:+.4f}", *c.difference) : "- (" + c.undefined + ")", interval,
                         number_text(c.p, 4), number_text(c.p_holm, 4), std::to_string(c.reals),
                         std::to_string(c.fakes), std::to_string(c.seeds)});
  }
  return grid;
}

// Width on a terminal: bytes that go on a character (UTF-8) take no place.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string as_text(const Grid& grid) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < grid.head.size(); ++i) {
    std::size_t width = width_of(grid.head[i]);
    for (const Cells& row : grid.rows) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const Cells& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += cells[i] + (i + 1 < cells.size() ? std::string(widths[i] - width_of(cells[i]) + 2, ' ') : "");
    return text + "\n";
  };
  std::string text = grid.title + "\n" + line(grid.head);
  for (const Cells& row : grid.rows) text += line(row);
  return text;
}

std::string replaced(const std::string& text, const std::vector<std::pair<char, std::string>>& by) {
  std::string out;
  for (const char c : text) {
    const auto found = std::find_if(by.begin(), by.end(), [&](const auto& pair) { return pair.first == c; });
    if (found == by.end())
      out += c;
    else
      out += found->second;
  }
  return out;
}

std::string as_markdown(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + markdown_escaped(cell) + " |";
    return text + "\n";
  };
  std::string text = "### " + markdown_escaped(grid.title) + "\n\n" + line(grid.head) + "|";
  for (std::size_t i = 0; i < grid.head.size(); ++i) text += " --- |";
  text += "\n";
  for (const Cells& row : grid.rows) text += line(row);
  return text + "\n";
}

std::string as_latex(const Grid& grid) {
  const auto line = [](const Cells& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) text += (i > 0 ? " & " : "") + latex_escaped(cells[i]);
    return text + " \\\\\n";
  };
  std::string text = "% " + replaced(grid.title, {{'\n', " "}}) + "\n\\begin{tabular}{" +
                     std::string(grid.head.size(), 'l') + "}\n\\hline\n" + line(grid.head) + "\\hline\n";
  for (const Cells& row : grid.rows) text += line(row);
  return text + "\\hline\n\\end{tabular}\n";
}

// Both tables and the lines below them.
template <class Render>
std::string whole(const StudyTable& table, std::string_view plus_minus, Render render, std::string_view line_start) {
  std::string text = render(figures_grid(table, plus_minus));
  if (!table.comparisons.empty()) text += "\n" + render(comparisons_grid(table));
  text += "\n";
  for (const std::string& stamp : table.stamps)
    text += fmt::format("{}ATTENTION: {}\n", line_start, replaced(stamp, {{'\n', " "}}));
  for (const CellFailure& failure : table.failures)
    text += fmt::format("{}failed: {} (exit status {}): {}\n", line_start, failure.cell, failure.exit_status,
                        replaced(failure.cause, {{'\n', " "}}));
  for (const std::string& note : table.notes) text += fmt::format("{}{}\n", line_start, replaced(note, {{'\n', " "}}));
  return text;
}

Json spread_json(const SeedSpread& spread) {
  const auto mean = spread.mean(), deviation = spread.deviation();
  Json json = {{"mean", mean ? Json(*mean) : Json()},
               {"deviation", deviation ? Json(*deviation) : Json()},
               {"values", spread.values}};
  if (!spread.undefined.empty()) json["undefined"] = spread.undefined;
  return json;
}

Json comparison_json(const StudyComparison& c) {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  Json json = {{"column", c.column},
               {"first", c.first},
               {"second", c.second},
               {"seeds", c.seeds},
               {"reals", c.reals},
               {"fakes", c.fakes},
               {"difference", number(c.difference)},
               {"low", number(c.low)},
               {"high", number(c.high)},
               {"p", number(c.p)},
               {"p_holm", number(c.p_holm)}};
  if (!c.undefined.empty()) json["undefined"] = c.undefined;
  return json;
}

std::string as_json(const StudyTable& table) {
  Json json = {{"schema", "dfa.study/1"},   {"study", table.study},  {"metric", table.metric},
               {"level", table.level},      {"axes", table.axes},    {"seeds", table.seeds},
               {"columns", table.columns},  {"rows", Json::array()}, {"comparisons", Json::array()},
               {"failures", Json::array()}, {"notes", table.notes},  {"stamps", table.stamps}};
  for (const StudyRow& row : table.rows) {
    Json figures = Json::object(), values = Json::object();
    for (std::size_t i = 0; i < row.figures.size(); ++i) figures[table.columns[i]] = spread_json(row.figures[i]);
    for (std::size_t i = 0; i < row.values.size(); ++i) values[table.axes[i]] = row.values[i];
    json["rows"].push_back({{"combination", row.combination},
                            {"values", values},
                            {"trained_parameters", row.trained_parameters},
                            {"cells", row.cells},
                            {"finished", row.finished},
                            {"validation_auc", spread_json(row.validation)},
                            {"figures", figures}});
  }
  for (const StudyComparison& comparison : table.comparisons)
    json["comparisons"].push_back(comparison_json(comparison));
  for (const CellFailure& failure : table.failures)
    json["failures"].push_back(
        {{"cell", failure.cell}, {"exit_status", failure.exit_status}, {"cause", failure.cause}});
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// A line a figure: easy to read into anything.
std::string as_csv(const StudyTable& table) {
  std::string csv = "combination";
  for (const std::string& axis : table.axes) csv += "," + csv_field(axis);
  csv += ",trained_parameters,column,mean,deviation,seeds,undefined,stamps\n";
  const std::string stamps = csv_field(fmt::format("{}", fmt::join(table.stamps, "; ")));
  for (const StudyRow& row : table.rows) {
    std::string begin = csv_field(row.combination);
    for (const std::string& value : row.values) begin += "," + csv_field(value);
    begin += "," + std::to_string(row.trained_parameters);
    const auto line = [&](const std::string& column, const SeedSpread& spread) {
      const auto mean = spread.mean(), deviation = spread.deviation();
      csv += fmt::format("{},{},{},{},{},{},{}\n", begin, csv_field(column), mean ? fmt::format("{:.17g}", *mean) : "",
                         deviation ? fmt::format("{:.17g}", *deviation) : "", spread.values.size(),
                         csv_field(spread.undefined), stamps);
    };
    line("validation_auc", row.validation);
    for (std::size_t i = 0; i < row.figures.size(); ++i) line(table.columns[i], row.figures[i]);
  }
  return csv;
}

}  // namespace

std::string study_table_text(const StudyTable& table, StudyForm form) {
  switch (form) {
    case StudyForm::csv:
      return as_csv(table);
    case StudyForm::json:
      return as_json(table);
    case StudyForm::markdown:
      return whole(table, "\xC2\xB1", as_markdown, "- ");
    case StudyForm::latex:
      return whole(table, "+-", as_latex, "% ");
    case StudyForm::text:
      break;
  }
  return whole(table, "+-", as_text, "");
}

}  // namespace dfa::train
