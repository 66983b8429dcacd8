// LaTeX for \input: tables with booktabs, the card below them. Needs \usepackage{booktabs} and nothing else.
#include <fmt/format.h>

#include "report/evaluation_forms.hpp"
#include "report/evaluation_grid.hpp"
#include "report/markup.hpp"

namespace dfa {
namespace {

std::string row(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : " & ") + latex_escaped(cells[i]);
  return line + " \\\\\n";
}

std::string table(const Grid& grid) {
  std::string text = "\\begin{table}[htbp]\n\\centering\\footnotesize\n\\caption{" + latex_escaped(grid.title) + "}\n";
  text += fmt::format("\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule\n",
                      std::string(grid.columns.empty() ? 0 : grid.columns.size() - 1, 'r'));
  text += row(grid.columns) + "\\midrule\n";
  for (const std::vector<std::string>& cells : grid.rows) text += row(cells);
  text += "\\bottomrule\n\\end{tabular}\n";
  for (const std::string& note : grid.notes) text += "\\par\\smallskip " + latex_escaped(note) + "\n";
  return text + "\\end{table}\n\n";
}

}  // namespace

std::string evaluation_as_latex(const EvaluationReport& report) {
  std::string text =
      "% needs \\usepackage{booktabs}\n\\paragraph{" + latex_escaped(evaluation_subject(report)) + ".}\n";
  for (const std::string& stamp : report.card.stamps) text += "\\textbf{STAMPED: " + latex_escaped(stamp) + ".}\n";
  for (const std::string& headline : evaluation_headlines(report)) text += latex_escaped(headline) + ".\n";
  text += "\n";
  for (const Grid& grid : evaluation_grids(report)) text += table(grid);
  for (const std::string& note : report.notes) text += "Note: " + latex_escaped(note) + ".\\par\n";
  text += "\\begin{table}[htbp]\n\\centering\\footnotesize\n\\caption{protocol card}\n";
  text += "\\begin{tabular}{@{}lp{0.7\\linewidth}@{}}\n\\toprule\n";
  for (const CardItem& item : report.card.items) text += row({card_title(item.key), item.value});
  return text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

}  // namespace dfa
