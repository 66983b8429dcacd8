// LaTeX for \input: tables with booktabs, the card below them. Needs \usepackage{booktabs} and nothing else.
#include <fmt/format.h>

#include "report/evaluation_forms.hpp"
#include "report/evaluation_grid.hpp"
#include "report/record_format.hpp"

namespace dfa {
namespace {

std::string escaped(const std::string& raw) {
  std::string text;
  for (const char c : printable(raw)) switch (c) {
      case '\\':
        text += "\\textbackslash{}";
        break;
      case '~':
        text += "\\textasciitilde{}";
        break;
      case '^':
        text += "\\textasciicircum{}";
        break;
      case '<':
        text += "\\textless{}";
        break;
      case '>':
        text += "\\textgreater{}";
        break;
      case '|':
        text += "\\textbar{}";
        break;
      case '"':
        text += "\\textquotedbl{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        text += '\\';
        text += c;
        break;
      case '[':  // after a row's end "\\" a bracket would be read as its option
      case ']':
        text += fmt::format("{{{}}}", c);
        break;
      default:
        text += c;
    }
  return text;
}

std::string row(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : " & ") + escaped(cells[i]);
  return line + " \\\\\n";
}

std::string table(const Grid& grid) {
  std::string text = "\\begin{table}[htbp]\n\\centering\\footnotesize\n\\caption{" + escaped(grid.title) + "}\n";
  text += fmt::format("\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule\n",
                      std::string(grid.columns.empty() ? 0 : grid.columns.size() - 1, 'r'));
  text += row(grid.columns) + "\\midrule\n";
  for (const std::vector<std::string>& cells : grid.rows) text += row(cells);
  text += "\\bottomrule\n\\end{tabular}\n";
  for (const std::string& note : grid.notes) text += "\\par\\smallskip " + escaped(note) + "\n";
  return text + "\\end{table}\n\n";
}

}  // namespace

std::string evaluation_as_latex(const EvaluationReport& report) {
  std::string text = "% needs \\usepackage{booktabs}\n\\paragraph{" + escaped(evaluation_subject(report)) + ".}\n";
  for (const std::string& stamp : report.card.stamps) text += "\\textbf{STAMPED: " + escaped(stamp) + ".}\n";
  for (const std::string& headline : evaluation_headlines(report)) text += escaped(headline) + ".\n";
  text += "\n";
  for (const Grid& grid : evaluation_grids(report)) text += table(grid);
  for (const std::string& note : report.notes) text += "Note: " + escaped(note) + ".\\par\n";
  text += "\\begin{table}[htbp]\n\\centering\\footnotesize\n\\caption{protocol card}\n";
  text += "\\begin{tabular}{@{}lp{0.7\\linewidth}@{}}\n\\toprule\n";
  for (const CardItem& item : report.card.items) text += row({card_title(item.key), item.value});
  return text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

}  // namespace dfa
