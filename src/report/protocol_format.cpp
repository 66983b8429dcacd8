#include "report/protocol_format.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "report/markup.hpp"
#include "report/protocol_csv.hpp"
#include "report/protocol_json.hpp"
#include "report/protocol_table.hpp"
#include "report/protocol_words.hpp"

namespace dfa {
namespace {

constexpr std::array<ProtocolFormInfo, 5> kForms = {{{ProtocolForm::text, "text", "protocol.txt"},
                                                     {ProtocolForm::json, "json", "protocol.json"},
                                                     {ProtocolForm::csv, "csv", "protocol.csv"},
                                                     {ProtocolForm::markdown, "markdown", "protocol.md"},
                                                     {ProtocolForm::latex, "latex", "protocol.tex"}}};

using Grid = std::vector<std::vector<std::string>>;

// Head line first; the first column names the row.
Grid grid_of(const ProtocolTable& table) {
  const bool graded = std::any_of(table.rows.begin(), table.rows.end(),
                                  [](const ProtocolTableRow& row) { return row.kind == TableRowKind::published; });
  Grid grid = {{table_title(table)}};
  if (graded) grid.front().emplace_back("grade");
  grid.front().insert(grid.front().end(), table.columns.begin(), table.columns.end());
  for (const ProtocolTableRow& row : table.rows) {
    std::vector<std::string> line = {row.name};
    if (graded) line.push_back(row.grade);
    line.insert(line.end(), row.cells.begin(), row.cells.end());
    grid.push_back(std::move(line));
  }
  return grid;
}

Grid turned(const Grid& grid) {
  Grid other(grid.front().size());
  for (const auto& line : grid)
    for (std::size_t i = 0; i < line.size(); ++i) other[i].push_back(line[i]);
  return other;
}

std::string aligned(const Grid& grid) {
  std::vector<std::size_t> widths(grid.front().size());
  for (const auto& line : grid)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : grid) {
    std::string one = fmt::format("{:<{}}", line[0], widths[0]);
    for (std::size_t i = 1; i < line.size(); ++i) one += fmt::format("  {:>{}}", line[i], widths[i]);
    one.resize(one.find_last_not_of(' ') + 1);
    text += one + '\n';
  }
  return text;
}

std::string table_text(const ProtocolTable& table) {
  const Grid grid = grid_of(table);
  return aligned(is_better_turned(table) ? turned(grid) : grid);
}

std::string text_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text = fmt::format("{} ({})\nsource: {}\n{}\n{}\n", protocol.title, protocol.name, protocol.source,
                                 protocol.about, protocol_summary(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("ATTENTION: {}\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) text += '\n' + table_text(table);
  for (const auto& [title, lines] : protocol_sections(report)) {
    if (lines.empty()) continue;
    text += fmt::format("\n{}:\n", title);
    for (const std::string& line : lines) text += "  " + line + '\n';
  }
  return text;
}

std::string markdown_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text = fmt::format("## {}\n\nSource: {}. {} {}.\n", protocol.title, protocol.source, protocol.about,
                                 protocol_summary(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("\n**{}**\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) {
    const Grid grid = grid_of(table);
    text += '\n';
    for (std::size_t i = 0; i < grid.size(); ++i) {
      for (const std::string& cell : grid[i]) text += "| " + markdown_escaped(cell) + " ";
      text += "|\n";
      if (i > 0) continue;
      for (std::size_t column = 0; column < grid[i].size(); ++column)
        text += grid[i][column] == "grade" || column == 0 ? "| --- " : "| ---: ";
      text += "|\n";
    }
  }
  for (const auto& [title, lines] : protocol_sections(report)) {
    if (lines.empty()) continue;
    text += fmt::format("\n**{}**\n\n", title);
    for (const std::string& line : lines) text += "- " + markdown_escaped(line) + '\n';
  }
  return text;
}

std::string latex_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text = fmt::format("% {}: {}\n% {}\n", protocol.name, protocol.title, protocol_summary(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("% {}\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) {
    const Grid grid = grid_of(table);
    text += fmt::format("\\begin{{tabular}}{{l{}}}\n\\hline\n", std::string(grid.front().size() - 1, 'r'));
    for (std::size_t i = 0; i < grid.size(); ++i) {
      std::vector<std::string> cells;
      for (const std::string& cell : grid[i]) cells.push_back(latex_escaped(cell));
      text += fmt::format("{} \\\\\n", fmt::join(cells, " & "));
      const bool before_published = i > 0 && i < table.rows.size() && table.rows[i - 1].kind == TableRowKind::ours &&
                                    table.rows[i].kind == TableRowKind::published;
      if (i == 0 || before_published) text += "\\hline\n";
    }
    text += "\\hline\n\\end{tabular}\n";
  }
  for (const auto& [title, lines] : protocol_sections(report))
    for (const std::string& line : lines) text += fmt::format("% {}: {}\n", title, line);
  return text;
}

}  // namespace

std::span<const ProtocolFormInfo> protocol_forms() {
  return kForms;
}

Result<ProtocolForm> protocol_form_by_name(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ProtocolFormInfo& info : kForms) {
    if (info.name == name) return info.form;
    names.push_back(info.name);
  }
  return fail(ErrorCode::usage, "a protocol has no form \"{}\", expected one of {}", name, fmt::join(names, ", "));
}

std::string protocol_text(const ProtocolReport& report, ProtocolForm form) {
  switch (form) {
    case ProtocolForm::json:
      return protocol_json(report);
    case ProtocolForm::csv:
      return protocol_csv(report.result);
    case ProtocolForm::markdown:
      return markdown_form(report);
    case ProtocolForm::latex:
      return latex_form(report);
    case ProtocolForm::text:
      break;
  }
  return text_form(report);
}

}  // namespace dfa
