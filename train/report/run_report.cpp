#include "train/report/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "base/file.hpp"
#include "report/html_page.hpp"
#include "report/html_text.hpp"
#include "report/svg_chart.hpp"

namespace dfa::train {

namespace {

using Value = std::function<double(const EpochMetrics&)>;

std::vector<double> each(const std::vector<EpochMetrics>& epochs, const Value& value) {
  std::vector<double> values;
  for (const EpochMetrics& epoch : epochs) values.push_back(value(epoch));
  return values;
}

// One line of a chart over epochs.
struct EpochLine {
  std::string name;
  Value value;
};

// Where the vertical axis begins: at the values, or at zero.
enum class Base { values, zero };

Chart epoch_chart(const RunReport& report, std::string title, const std::vector<EpochLine>& lines,
                  Base base = Base::values) {
  const std::vector<double> epochs =
      each(report.epochs, [](const EpochMetrics& e) { return static_cast<double>(e.epoch); });
  Chart chart{.title = std::move(title), .x = {.name = "epoch", .least_tick = 1}, .y = {}, .series = {}};
  if (base == Base::zero) chart.y.low = 0;
  for (const EpochLine& line : lines)
    chart.series.push_back({line.name, chart_points(epochs, each(report.epochs, line.value))});
  return chart;
}

// The whole first, then each method that the last epoch knows.
std::vector<EpochLine> auc_lines(const std::vector<EpochMetrics>& epochs) {
  std::vector<EpochLine> lines = {{"all", [](const EpochMetrics& e) { return e.validation.auc; }}};
  const auto& methods = epochs.back().validation.auc_by_method;
  if (methods.size() < 2) return lines;
  for (const auto& [method, unused] : methods)
    lines.push_back({method.empty() ? "no method named" : method, [name = method](const EpochMetrics& e) {
                       const auto found = e.validation.auc_by_method.find(name);
                       return found == e.validation.auc_by_method.end() ? std::nan("") : found->second;
                     }});
  return lines;
}

// A chart for each term of the loss: their sizes have nothing to do with each other.
std::vector<Chart> term_charts(const RunReport& report) {
  std::set<std::string> names;
  for (const EpochMetrics& epoch : report.epochs)
    for (const auto& [name, unused] : epoch.train_terms) names.insert(name);
  std::vector<Chart> charts;
  if (names.size() < 2) return charts;  // the one term is the loss
  for (const std::string& name : names) {
    charts.push_back(epoch_chart(report, "Loss term: " + name, {{name, [&name](const EpochMetrics& e) {
                                                                   const auto found = e.train_terms.find(name);
                                                                   return found == e.train_terms.end()
                                                                              ? std::nan("")
                                                                              : found->second.mean();
                                                                 }}}));
    charts.back().caption = "training, before weighting, mean over the steps that had it";
  }
  return charts;
}

std::string curves(const RunReport& report) {
  if (report.epochs.empty()) return "<p class=\"sub\">No epoch is finished yet.</p>";
  std::vector<Chart> charts = {
      epoch_chart(report, "Loss",
                  {{"training", [](const EpochMetrics& e) { return e.train_loss; }},
                   {"validation", [](const EpochMetrics& e) { return e.validation.loss; }}}),
      epoch_chart(report, "Validation AUC over crops", auc_lines(report.epochs)),
      epoch_chart(report, "Learning rate", {{"learning rate", [](const EpochMetrics& e) { return e.learning_rate; }}},
                  Base::zero),
      epoch_chart(report, "Gradient norm", {{"gradient norm", [](const EpochMetrics& e) { return e.grad_norm; }}},
                  Base::zero),
      epoch_chart(report, "Throughput, crops per second",
                  {{"crops per second", [](const EpochMetrics& e) { return e.crops_per_second; }}}, Base::zero)};
  for (Chart& chart : term_charts(report)) charts.push_back(std::move(chart));
  std::string html = "<div class=\"curves\">";
  for (const Chart& chart : charts) html += svg_chart(chart) + "\n";
  return html + "</div>";
}

std::vector<std::string> all_warnings(const std::vector<EpochMetrics>& epochs) {
  std::vector<std::string> warnings;
  for (const EpochMetrics& epoch : epochs)
    for (const std::string& warning : epoch.warnings)
      warnings.push_back(fmt::format("epoch {}: {}", epoch.epoch, warning));
  return warnings;
}

std::string facts(const RunReport& report) {
  std::vector<HtmlFact> facts = {
      {fmt::format("{} of {}", report.epochs.size(), report.config.schedule.epochs), "epochs"}};
  if (!report.epochs.empty()) {
    const EpochMetrics& last = report.epochs.back();
    const EpochMetrics& best = report.epochs[static_cast<std::size_t>(std::max<std::int64_t>(last.best_epoch, 1)) - 1];
    facts.push_back(
        {fmt::format("{:.4f}", best.validation.auc), fmt::format("best validation AUC, epoch {}", best.epoch)});
    facts.push_back({fmt::format("{:.4f}", last.train_loss), "training loss, last epoch"});
    facts.push_back({fmt::format("{:.4g}", last.crops_per_second), "crops per second"});
    facts.push_back({fmt::format("{:.0f} MiB", last.peak_memory_mib), "peak memory"});
  }
  return html_facts(facts);
}

std::string data_table(const RunReport& report) {
  HtmlTable table(
      "", {{"role", ColumnKind::words}, {"class", ColumnKind::words}, {"method", ColumnKind::words}, {"crops"}});
  for (const DataCount& count : report.data)
    table.add({count.role, count.label, count.method, std::to_string(count.crops)});
  return table.html() + fmt::format("<p class=\"sub\">{}<br>SHA-256 {}</p>\n", escape_html(report.config.data.manifest),
                                    escape_html(report.manifest_sha256));
}

std::string epoch_table(const std::vector<EpochMetrics>& epochs) {
  HtmlTable table("", {{"epoch"},
                       {"training loss"},
                       {"validation loss"},
                       {"validation AUC"},
                       {"gradient norm"},
                       {"learning rate"},
                       {"crops/s"}});
  for (const EpochMetrics& e : epochs)
    table.add({std::to_string(e.epoch), fmt::format("{:.5f}", e.train_loss), fmt::format("{:.5f}", e.validation.loss),
               fmt::format("{:.4f}", e.validation.auc), fmt::format("{:.3g}", e.grad_norm),
               fmt::format("{:.3g}", e.learning_rate), fmt::format("{:.1f}", e.crops_per_second)});
  return html_details("Every epoch as a table", table.html());
}

}  // namespace

std::string run_report_html(const RunReport& report) {
  std::string html = fmt::format("<h1>{}</h1><p class=\"sub\">training run in {}</p>\n",
                                 escape_html(report.config.name), escape_html(report.config.out));
  html += html_note("This run deviates from an honest one", deviations_of(report.config));
  html += html_note("Warnings", all_warnings(report.epochs));
  html += facts(report) + curves(report) + "\n" + epoch_table(report.epochs);
  html += "<h2>Data</h2>\n" + data_table(report);
  html += "<h2>Configuration</h2>\n" +
          html_details("every key, as resolved", "<pre>" + escape_html(run_config_json(report.config)) + "</pre>");
  return html_page(report.config.name + ": training", html);
}

Status write_run_report(const std::filesystem::path& folder, const RunReport& report) {
  return write_file_atomically(folder / kReportFile, run_report_html(report));
}

}  // namespace dfa::train
