// Text for a terminal, and Markdown.
#include <fmt/format.h>

#include <algorithm>

#include "report/evaluation_forms.hpp"
#include "report/evaluation_grid.hpp"
#include "report/markup.hpp"
#include "report/record_format.hpp"

namespace dfa {
namespace {

// Cells padded to the width of their column; the last one is left as it is.
std::string text_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line += std::string(widths[i] + 2 - std::min(display_width(cells[i]), widths[i]), ' ');
  }
  return line + "\n";
}

std::string text_grid(const Grid& grid) {
  std::vector<std::vector<std::string>> rows{grid.columns};
  rows.insert(rows.end(), grid.rows.begin(), grid.rows.end());
  std::vector<std::size_t> widths(grid.columns.size());
  for (std::vector<std::string>& row : rows)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  std::string text = printable(grid.title) + "\n";
  for (const std::vector<std::string>& row : rows) text += "  " + text_row(row, widths);
  for (const std::string& note : grid.notes) text += "  note: " + printable(note) + "\n";
  return text;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + markdown_escaped(cell) + " |";
  return line + "\n";
}

std::string markdown_grid(const Grid& grid) {
  std::string text = "### " + markdown_escaped(grid.title) + "\n\n" + markdown_row(grid.columns) + "|";
  for (std::size_t i = 0; i < grid.columns.size(); ++i) text += i == 0 ? " --- |" : " ---: |";
  text += "\n";
  for (const std::vector<std::string>& row : grid.rows) text += markdown_row(row);
  for (const std::string& note : grid.notes) text += "\n*" + markdown_escaped(note) + "*\n";
  return text + "\n";
}

}  // namespace

std::string evaluation_as_text(const EvaluationReport& report) {
  std::string text;
  for (const std::string& stamp : report.card.stamps) text += "STAMPED: " + printable(stamp) + "\n";
  for (const std::string& headline : evaluation_headlines(report)) text += headline + "\n";
  text += printable(evaluation_subject(report)) + "\n\n";
  for (const Grid& grid : evaluation_grids(report)) text += text_grid(grid) + "\n";
  for (const std::string& note : report.notes) text += "note: " + printable(note) + "\n";
  text += "protocol card\n";
  for (const CardItem& item : report.card.items)
    text += fmt::format("  {}: {}\n", card_title(item.key), printable(item.value));
  return text;
}

std::string evaluation_as_markdown(const EvaluationReport& report) {
  std::string text = "## " + markdown_escaped(evaluation_subject(report)) + "\n\n";
  for (const std::string& stamp : report.card.stamps) text += "> **STAMPED: " + markdown_escaped(stamp) + "**\n>\n";
  if (!report.card.stamps.empty()) text += "\n";
  for (const std::string& headline : evaluation_headlines(report)) text += "- " + markdown_escaped(headline) + "\n";
  text += "\n";
  for (const Grid& grid : evaluation_grids(report)) text += markdown_grid(grid);
  for (const std::string& note : report.notes) text += "- " + markdown_escaped(note) + "\n";
  text += "\n### Protocol card\n\n| item | value |\n| --- | --- |\n";
  for (const CardItem& item : report.card.items) text += markdown_row({card_title(item.key), item.value});
  return text;
}

}  // namespace dfa
