#include "report/protocol_format.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/csv.hpp"
#include "report/protocol_json.hpp"
#include "report/protocol_table.hpp"

namespace dfa {
namespace {

constexpr std::array<ProtocolFormInfo, 5> kForms = {{{ProtocolForm::text, "text", "protocol.txt"},
                                                     {ProtocolForm::json, "json", "protocol.json"},
                                                     {ProtocolForm::csv, "csv", "protocol.csv"},
                                                     {ProtocolForm::markdown, "markdown", "protocol.md"},
                                                     {ProtocolForm::latex, "latex", "protocol.tex"}}};

// A table with more columns than rows is turned on the screen, once it is wider than this.
constexpr std::size_t kWideColumns = 10;

constexpr std::string_view kNotOurs = "published elsewhere, not measured here";

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
  const std::size_t width = table.columns.size();
  if (width > kWideColumns && table.rows.size() < width) return aligned(turned(grid));
  return aligned(grid);
}

// Title and lines of a section; nothing where there are none.
using Section = std::pair<std::string, std::vector<std::string>>;

// Card items that all rows share, once; the others a line a row.
std::vector<std::string> card_lines(const ProtocolResult& result) {
  std::vector<std::string> common, own;
  if (result.sources.empty()) return {};
  for (const CardItem& item : result.sources.front().card.items) {
    const bool shared = std::all_of(result.sources.begin(), result.sources.end(),
                                    [&](const RowSource& source) { return source.card.get(item.key) == item.value; });
    if (shared) common.push_back(fmt::format("{}: {}", card_title(item.key), item.value));
    for (const RowSource& source : result.sources)
      if (!shared)
        own.push_back(fmt::format("{}, {}: {}", source.row, card_title(item.key), source.card.get(item.key)));
  }
  common.insert(common.end(), own.begin(), own.end());
  return common;
}

std::vector<Section> sections_of(const ProtocolReport& report) {
  const ProtocolResult& result = report.result;
  std::vector<std::string> sources;
  for (const RowSource& source : result.sources) sources.push_back(fmt::format("{}: {}", source.row, source.words));
  const BootstrapOptions& bootstrap = result.options.bootstrap;
  std::vector<std::string> rules = {
      fmt::format("intervals: 95 %, {} bootstrap over videos, {} rounds, seed {}; averages are plain means of cells, "
                  "and cells that share videos are drawn alike",
                  interval_method_name(bootstrap.method), bootstrap.rounds, bootstrap.seed),
      fmt::format("score of a video: {} over its scored crops; inputs without a score: {}",
                  aggregation_name(result.options.video), no_face_rule_name(result.options.no_face))};
  if (!report.data.empty()) rules.push_back(fmt::format("data: {}", fmt::join(report.data, ", ")));
  if (!report.precision.empty()) rules.push_back(fmt::format("engine: {}", report.precision));
  return {{"gaps", gap_lines(result)},
          {"what stands for the rows (that it was trained as the row says is the word of who named it)", sources},
          {"how ours were measured", rules},
          {"protocol card of ours", card_lines(result)},
          {"notes on ours", note_lines(result)},
          {"differences in protocol", result.protocol.differences},
          {std::string(kNotOurs), published_lines(result)}};
}

std::string summary_of(const ProtocolReport& report) {
  return fmt::format("{} of {} cells run", report.result.cells_run(), report.result.cells.size());
}

std::string text_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text = fmt::format("{} ({})\nsource: {}\n{}\n{}\n", protocol.title, protocol.name, protocol.source,
                                 protocol.about, summary_of(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("ATTENTION: {}\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) text += '\n' + table_text(table);
  for (const auto& [title, lines] : sections_of(report)) {
    if (lines.empty()) continue;
    text += fmt::format("\n{}:\n", title);
    for (const std::string& line : lines) text += "  " + line + '\n';
  }
  return text;
}

std::string markdown_cell(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '|' ? std::string("\\|") : c == '*' ? std::string("\\*") : std::string(1, c);
  return safe;
}

std::string markdown_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text =
      fmt::format("## {}\n\nSource: {}. {} {}.\n", protocol.title, protocol.source, protocol.about, summary_of(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("\n**{}**\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) {
    const Grid grid = grid_of(table);
    text += '\n';
    for (std::size_t i = 0; i < grid.size(); ++i) {
      for (const std::string& cell : grid[i]) text += "| " + markdown_cell(cell) + " ";
      text += "|\n";
      if (i > 0) continue;
      for (std::size_t column = 0; column < grid[i].size(); ++column)
        text += grid[i][column] == "grade" || column == 0 ? "| --- " : "| ---: ";
      text += "|\n";
    }
  }
  for (const auto& [title, lines] : sections_of(report)) {
    if (lines.empty()) continue;
    text += fmt::format("\n**{}**\n\n", title);
    for (const std::string& line : lines) text += "- " + markdown_cell(line) + '\n';
  }
  return text;
}

std::string latex_text(const std::string& text) {
  static constexpr std::string_view kSpecial = "#$%&_{}";
  std::string safe;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) safe += '\\';
    if (c == '>')
      safe += "{$>$}";
    else if (c == '<')
      safe += "{$<$}";
    else if (c == '\\')
      safe += "\\textbackslash{}";
    else if (c == '~' || c == '^')
      safe += fmt::format("\\{}{{}}", c);
    else
      safe += c;
  }
  return safe;
}

std::string latex_form(const ProtocolReport& report) {
  const Protocol& protocol = report.result.protocol;
  std::string text = fmt::format("% {}: {}\n% {}\n", protocol.name, protocol.title, summary_of(report));
  for (const std::string& stamp : report.stamps) text += fmt::format("% {}\n", stamp);
  for (const ProtocolTable& table : protocol_tables(report.result)) {
    const Grid grid = grid_of(table);
    text += fmt::format("\\begin{{tabular}}{{l{}}}\n\\hline\n", std::string(grid.front().size() - 1, 'r'));
    for (std::size_t i = 0; i < grid.size(); ++i) {
      std::vector<std::string> cells;
      for (const std::string& cell : grid[i]) cells.push_back(latex_text(cell));
      text += fmt::format("{} \\\\\n", fmt::join(cells, " & "));
      const bool before_published = i > 0 && i < table.rows.size() && table.rows[i - 1].kind == TableRowKind::ours &&
                                    table.rows[i].kind == TableRowKind::published;
      if (i == 0 || before_published) text += "\\hline\n";
    }
    text += "\\hline\n\\end{tabular}\n";
  }
  for (const auto& [title, lines] : sections_of(report))
    for (const std::string& line : lines) text += fmt::format("% {}: {}\n", title, line);
  return text;
}

// A line a figure; ours and published ones are told apart by the first column. A gap has no number.
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
      return CsvWriter(report.result).run();
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
