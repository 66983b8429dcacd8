#include "report/evaluation_page_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/html_page.hpp"
#include "report/html_text.hpp"

namespace dfa {

namespace {

constexpr Metric kGroupMetrics[] = {Metric::auc, Metric::eer};

std::string more_text(std::size_t all, std::size_t shown, std::string_view what) {
  return all > shown
             ? fmt::format("<p class=\"sub\">and {} more {}, in the JSON and CSV forms</p>\n", all - shown, what)
             : std::string();
}

std::string cell_text(const ReportCell& cell) {
  struct Words {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(std::int64_t count) const { return std::to_string(count); }
    std::string operator()(double number) const { return fmt::format("{:g}", number); }
    std::string operator()(const MetricValue& value) const {
      return value.interval ? figure_text(value) : "undefined: " + value.undefined;
    }
  };
  return std::visit(Words{}, cell);
}

// Why some figures have no number, or an interval that says too little: each reason once.
class Reasons {
 public:
  void add(std::string_view what, const MetricValue& value) {
    const std::string reason =
        value.interval ? value.caution.empty() ? "" : "* " + value.caution : "undefined: " + value.undefined;
    if (reason.empty()) return;
    std::string& names = names_[reason];
    names += (names.empty() ? "" : ", ") + std::string(what);
  }
  std::string html() const {
    std::string text;
    for (const auto& [reason, names] : names_)
      text += fmt::format("<p class=\"sub\">{} ({})</p>\n", escape_html(reason), escape_html(names));
    return text;
  }

 private:
  std::map<std::string, std::string> names_;
};

std::string with_blanks(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

}  // namespace

std::string value_text(const MetricValue& value) {
  return value.interval ? fmt::format("{:.4f}", value.interval->value) : "undefined";
}

std::string interval_text(const MetricValue& value) {
  return value.interval ? fmt::format("[{:.4f}, {:.4f}]{}", value.interval->low, value.interval->high,
                                      value.caution.empty() ? "" : "*")
                        : "";
}

std::string figure_text(const MetricValue& value) {
  return value.interval ? value_text(value) + " " + interval_text(value) : value_text(value);
}

std::string metrics_table(const Evaluation& evaluation) {
  HtmlTable table("", {{"figure", ColumnKind::words}, {"frame"}, {"95 %"}, {"video"}, {"95 %"}});
  std::string definitions;
  Reasons reasons;
  for (const MetricInfo& metric : metric_registry()) {
    const MetricValue &frame = evaluation.all.frame.of(metric.id), &video = evaluation.all.video.of(metric.id);
    table.add(
        {std::string(metric.title), value_text(frame), interval_text(frame), value_text(video), interval_text(video)});
    reasons.add(fmt::format("frame {}", metric.title), frame);
    reasons.add(fmt::format("video {}", metric.title), video);
    definitions += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(metric.title), escape_html(metric.definition));
  }
  return table.html() + reasons.html() + html_details("What the figures are", "<dl>" + definitions + "</dl>");
}

std::string groups_table(const std::string& title, const std::map<std::string, Figures>& groups,
                         const AverageFigures& average) {
  if (groups.empty()) return "";
  std::vector<HtmlColumn> columns = {{title, ColumnKind::words}, {"videos real"}, {"videos fake"}, {"coverage"}};
  for (const Metric metric : kGroupMetrics) columns.push_back({"video " + std::string(metric_info(metric).title)});
  columns.push_back({"frame " + std::string(metric_info(Metric::auc).title)});
  HtmlTable table("", columns);
  Reasons reasons;
  const auto add = [&](std::vector<std::string> cells, const auto& frame, const auto& video) {
    const std::string name = cells.front();
    for (const Metric metric : kGroupMetrics) {
      cells.push_back(figure_text(video(metric)));
      reasons.add(fmt::format("{}: video {}", name, metric_info(metric).title), video(metric));
    }
    cells.push_back(figure_text(frame(Metric::auc)));
    reasons.add(fmt::format("{}: frame {}", name, metric_info(Metric::auc).title), frame(Metric::auc));
    table.add(cells);
  };
  std::size_t shown = 0;
  for (const auto& [name, figures] : groups) {
    if (shown++ == kMostGroupsShown) break;
    add(
        {name, std::to_string(figures.video.reals), std::to_string(figures.video.fakes),
         figures.coverage.known ? fmt::format("{:.4f}", figures.coverage.share()) : "unknown"},
        [&f = figures](Metric metric) { return f.frame.of(metric); },
        [&f = figures](Metric metric) { return f.video.of(metric); });
  }
  if (average.groups > 1)
    add(
        {fmt::format("mean of {}", average.groups), "", "", ""},
        [&](Metric metric) { return average.frame[static_cast<std::size_t>(metric)]; },
        [&](Metric metric) { return average.video[static_cast<std::size_t>(metric)]; });
  return table.html() + reasons.html() +
         more_text(groups.size(), std::min(groups.size(), kMostGroupsShown), title + "s");
}

std::string coverage_table(const Coverage& coverage) {
  HtmlTable table("", {{"what became of it", ColumnKind::words},
                       {"videos real"},
                       {"videos fake"},
                       {"videos unlabelled"},
                       {"crops real"},
                       {"crops fake"},
                       {"crops unlabelled"}});
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    std::vector<std::string> cells = {with_blanks(std::string(outcome_name(static_cast<Outcome>(i))))};
    for (const OutcomeCounts* counts : {&coverage.videos, &coverage.crops})
      for (const auto* by_outcome : {&counts->reals, &counts->fakes, &counts->unlabelled})
        cells.push_back(std::to_string((*by_outcome)[i]));
    table.add(cells);
  }
  return table.html();
}

std::string unscored_table(const ScoreTable& scores) {
  HtmlTable table("",
                  {{"input", ColumnKind::words}, {"what became of it", ColumnKind::words}, {"why", ColumnKind::words}});
  std::size_t count = 0;
  for (std::size_t row = 0; row < scores.size(); ++row) {
    if (scores.outcomes()[row] == Outcome::scored || count++ >= kMostUnscoredShown) continue;
    const ScoreRow entry = scores.row(row);
    table.add(
        {std::string(entry.path), with_blanks(std::string(outcome_name(entry.outcome))), std::string(entry.problem)});
  }
  if (count == 0) return "<p class=\"sub\">Everything that was to be scored has a score.</p>\n";
  return html_details(
             fmt::format("{} inputs without a score; the first {}", count, std::min(count, kMostUnscoredShown)),
             table.html(), count <= kMostUnscoredShown / 2 ? Folding::open : Folding::closed) +
         more_text(count, std::min(count, kMostUnscoredShown), "inputs");
}

std::string report_table(const ReportTable& table) {
  std::vector<HtmlColumn> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool holds_words = std::all_of(table.rows.begin(), table.rows.end(), [i](const std::vector<ReportCell>& row) {
      return std::holds_alternative<std::string>(row[i]);
    });
    columns.push_back({with_blanks(table.columns[i]), holds_words ? ColumnKind::words : ColumnKind::number});
  }
  HtmlTable html("", columns);
  for (std::size_t row = 0; row < std::min(table.rows.size(), kMostTableRows); ++row) {
    std::vector<std::string> cells;
    for (const ReportCell& cell : table.rows[row]) cells.push_back(cell_text(cell));
    html.add(cells);
  }
  std::string text = html.html() + more_text(table.rows.size(), std::min(table.rows.size(), kMostTableRows), "rows");
  for (const std::string& note : table.notes) text += "<p class=\"sub\">" + escape_html(note) + "</p>\n";
  return text;
}

}  // namespace dfa
