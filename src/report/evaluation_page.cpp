#include "report/evaluation_page.hpp"

#include <fmt/format.h>

#include "report/evaluation_charts.hpp"
#include "report/evaluation_page_tables.hpp"
#include "report/html_page.hpp"
#include "report/html_text.hpp"
#include "report/page_parts.hpp"
#include "report/worst_errors.hpp"

namespace dfa {

namespace {

std::string headline(const EvaluationReport& report) {
  const Figures& all = report.evaluation.all;
  const auto fact = [](const LevelFigures& level, Metric metric, std::string_view name) {
    const MetricValue& value = level.of(metric);
    return HtmlFact{value_text(value), fmt::format("{} {}", name, metric_info(metric).title),
                    value.interval ? interval_text(value) : value.undefined};
  };
  return html_facts({fact(all.video, Metric::auc, "video"),
                     fact(all.frame, Metric::auc, "frame"),
                     fact(all.video, Metric::eer, "video"),
                     fact(all.video, Metric::tpr_at_fpr1, "video"),
                     {all.coverage.known ? fmt::format("{:.2f} %", 100 * all.coverage.share()) : "unknown", "coverage",
                      all.coverage.known ? "of the videos have a score" : "nothing says what the source left out"},
                     {fmt::format("{} + {}", all.video.reals, all.video.fakes), "videos, real + fake",
                      fmt::format("{} + {} crops", all.frame.reals, all.frame.fakes)}});
}

std::string error_html(const EvaluationPage& page, std::size_t row) {
  const ScoreRow entry = page.scores.row(row);
  const std::string picture = page.thumbnail ? page.thumbnail(row) : "";
  const std::string shown =
      picture.empty() ? "<div class=\"none\">no picture</div>"
                      : fmt::format("<img alt=\"crop {}\" src=\"{}\">", escape_html(entry.path), escape_html(picture));
  const std::string who = entry.method.empty() ? std::string(entry.set) : std::string(entry.method);
  return fmt::format("<figure>{}<b>p_fake {:.4f}</b><span>{}</span><span>{}</span></figure>\n", shown, *entry.p_fake,
                     escape_html(who), escape_html(entry.path));
}

std::string gallery(const EvaluationPage& page, std::string_view title, const std::vector<std::size_t>& rows) {
  if (rows.empty()) return "";
  std::string html = fmt::format("<h3>{}</h3><div class=\"gallery\">", escape_html(title));
  for (const std::size_t row : rows) html += error_html(page, row);
  return html + "</div>\n";
}

std::string worst(const EvaluationPage& page) {
  const WorstErrors errors = worst_errors(page.scores, kMostErrorsShown);
  return gallery(page, "Reals with the highest p_fake, one crop a video", errors.reals) +
         gallery(page, "Fakes with the lowest p_fake, one crop a video", errors.fakes);
}

std::string curves(const EvaluationPage& page) {
  const PlottedScores scores = plotted_scores(page.scores, page.report.evaluation.options);
  std::vector<Chart> separation = roc_charts(scores);
  for (Chart& chart : risk_charts(scores)) separation.push_back(std::move(chart));
  return section_html("Separation", charts_html(separation)) +
         section_html("Calibration", charts_html(reliability_charts(scores))) +
         section_html("Scores by method", charts_html(histogram_charts(page.scores, scores.frame)));
}

std::string tables(const EvaluationReport& report) {
  const Evaluation& evaluation = report.evaluation;
  std::string html = section_html("Figures", metrics_table(evaluation));
  html += section_html("By method", groups_table("method", evaluation.methods, evaluation.over_methods));
  html += section_html("By data set", groups_table("set", evaluation.sets, evaluation.over_sets));
  for (const ReportTable& table : report.tables)
    html += section_html(table.title, charts_html(level_charts(table)) + report_table(table));
  return html;
}

std::string origin(const EvaluationPage& page) {
  const EvaluationReport& report = page.report;
  std::vector<CardItem> items;
  if (!report.model_name.empty())
    items.push_back({"model", fmt::format("{}, SHA-256 {}", report.model_name, report.model_sha256)});
  for (const std::string& source : report.sources) items.push_back({"source", source});
  items.insert(items.end(), page.versions.begin(), page.versions.end());
  return origin_html(report.tool, page.command_line, items);
}

}  // namespace

std::string evaluation_page_html(const EvaluationPage& page) {
  const EvaluationReport& report = page.report;
  const std::string name = report.model_name.empty() ? "Scores from files" : report.model_name;
  std::string html = fmt::format("<h1>{}: evaluation</h1><p class=\"sub\">{}</p>\n", escape_html(name),
                                 escape_html(fmt::format("{}", fmt::join(report.sources, ", "))));
  html += html_note("Stamped: what stands below was not made as a test should be", report.card.stamps);
  html += html_note("Notes", report.notes);
  html += headline(report);
  html += section_html("Protocol card", pairs_html(report.card.items));
  html += curves(page) + tables(report);
  html += section_html("Worst errors", worst(page));
  html +=
      section_html("What was not scored", coverage_table(report.evaluation.all.coverage) + unscored_table(page.scores));
  html += origin(page);
  return html_page(name + ": evaluation", html);
}

}  // namespace dfa
