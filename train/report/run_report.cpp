#include "train/report/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/file.hpp"
#include "train/report/svg_chart.hpp"

namespace dfa::train {

namespace {

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fcfcfb;--ink:#0b0b0b;--soft:#52514e;--faint:#898781;--grid:#e1e0d9;--edge:rgba(11,11,11,.1);
--warn:#fdf0dc;--warn-edge:#c98500;--series-1:#2a78d6;--series-2:#eb6834;--series-3:#1baf7a;--series-4:#eda100;--series-5:#e87ba4;--series-6:#008300;
--series-7:#4a3aa7;--series-8:#e34948}
@media (prefers-color-scheme:dark){:root{--page:#0d0d0d;--card:#1a1a19;--ink:#fff;--soft:#c3c2b7;--faint:#898781;--grid:#2c2c2a;--edge:rgba(255,255,255,.1);
--warn:#33270f;--warn-edge:#c98500;--series-1:#3987e5;--series-2:#d95926;--series-3:#199e70;--series-4:#c98500;--series-5:#d55181;--series-6:#2f9e2f;
--series-7:#9085e9;--series-8:#e66767}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:28px 0 8px}p.sub{color:var(--soft);margin:4px 0 16px}
.facts{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}.facts div,figure,.table{background:var(--card);border:1px solid var(--edge);border-radius:8px}
.facts div{padding:10px 16px;min-width:130px}.facts b{display:block;font-size:22px;font-weight:600}.facts span{color:var(--soft);font-size:13px}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:16px}
figure{margin:0;padding:12px 14px}figcaption{font-weight:600;margin-bottom:4px}svg{width:100%;height:auto;display:block}
svg text{fill:var(--faint);font-size:12px;font-variant-numeric:tabular-nums}svg .grid{stroke:var(--grid);stroke-width:1}
svg polyline{fill:none;stroke:var(--line);stroke-width:2;stroke-linejoin:round}svg circle{fill:var(--line)}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;color:var(--soft);font-size:13px;margin-bottom:4px}.legend i{display:inline-block;width:12px;height:3px;margin-right:6px;vertical-align:middle}
.note{background:var(--warn);border-left:4px solid var(--warn-edge);border-radius:4px;padding:8px 14px;margin:8px 0}.note ul{margin:4px 0;padding-left:20px}
.table{overflow-x:auto;padding:4px 12px}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th{color:var(--soft);font-weight:500;text-align:right}
td{text-align:right;border-top:1px solid var(--grid)}td,th{padding:4px 10px}td.t,th.t{text-align:left}
pre{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:12px;overflow-x:auto;font-size:13px}summary{cursor:pointer;color:var(--soft)}
)css";

using Value = std::function<double(const EpochMetrics&)>;

std::vector<double> each(const std::vector<EpochMetrics>& epochs, const Value& value) {
  std::vector<double> values;
  for (const EpochMetrics& epoch : epochs) values.push_back(value(epoch));
  return values;
}

Chart epoch_chart(const RunReport& report, std::string title, std::vector<ChartSeries> series,
                  Base base = Base::values) {
  return {std::move(title), "epoch",
          each(report.epochs, [](const EpochMetrics& e) { return static_cast<double>(e.epoch); }), std::move(series),
          base};
}

// The whole first, then each method that the last epoch knows.
std::vector<ChartSeries> auc_series(const std::vector<EpochMetrics>& epochs) {
  std::vector<ChartSeries> series = {{"all", each(epochs, [](const EpochMetrics& e) { return e.validation.auc; })}};
  const auto& methods = epochs.back().validation.auc_by_method;
  if (methods.size() < 2) return series;
  for (const auto& [method, unused] : methods)
    series.push_back(
        {method.empty() ? "no method named" : method, each(epochs, [&name = method](const EpochMetrics& e) {
           const auto found = e.validation.auc_by_method.find(name);
           return found == e.validation.auc_by_method.end() ? std::nan("") : found->second;
         })});
  return series;
}

std::string curves(const RunReport& report) {
  if (report.epochs.empty()) return "<p class=\"sub\">No epoch is finished yet.</p>";
  const std::vector<EpochMetrics>& epochs = report.epochs;
  const Chart charts[] = {
      epoch_chart(report, "Loss",
                  {{"training", each(epochs, [](const EpochMetrics& e) { return e.train_loss; })},
                   {"validation", each(epochs, [](const EpochMetrics& e) { return e.validation.loss; })}}),
      epoch_chart(report, "Validation AUC over crops", auc_series(epochs)),
      epoch_chart(report, "Learning rate",
                  {{"learning rate", each(epochs, [](const EpochMetrics& e) { return e.learning_rate; })}}),
      epoch_chart(report, "Throughput, crops per second",
                  {{"crops per second", each(epochs, [](const EpochMetrics& e) { return e.crops_per_second; })}},
                  Base::zero)};
  std::string html = "<div class=\"curves\">";
  for (const Chart& chart : charts) html += svg_chart(chart) + "\n";
  return html + "</div>";
}

std::string note_html(std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string list;
  for (const std::string& item : items) list += "<li>" + escape_html(item) + "</li>";
  return fmt::format("<div class=\"note\"><b>{}</b><ul>{}</ul></div>\n", title, list);
}

std::vector<std::string> all_warnings(const std::vector<EpochMetrics>& epochs) {
  std::vector<std::string> warnings;
  for (const EpochMetrics& epoch : epochs)
    for (const std::string& warning : epoch.warnings)
      warnings.push_back(fmt::format("epoch {}: {}", epoch.epoch, warning));
  return warnings;
}

std::string facts(const RunReport& report) {
  std::string html = "<div class=\"facts\">";
  const auto fact = [&](const std::string& value, std::string_view name) {
    html += fmt::format("<div><b>{}</b><span>{}</span></div>", value, name);
  };
  fact(fmt::format("{} of {}", report.epochs.size(), report.config.schedule.epochs), "epochs");
  if (!report.epochs.empty()) {
    const EpochMetrics& last = report.epochs.back();
    const EpochMetrics& best = report.epochs[static_cast<std::size_t>(std::max<std::int64_t>(last.best_epoch, 1)) - 1];
    fact(fmt::format("{:.4f}", best.validation.auc), fmt::format("best validation AUC, epoch {}", best.epoch));
    fact(fmt::format("{:.4f}", last.train_loss), "training loss, last epoch");
    fact(fmt::format("{:.4g}", last.crops_per_second), "crops per second");
    fact(fmt::format("{:.0f} MiB", last.peak_memory_mib), "peak memory");
  }
  return html + "</div>\n";
}

std::string data_table(const RunReport& report) {
  std::string rows;
  for (const DataCount& count : report.data)
    rows += fmt::format("<tr><td class=\"t\">{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td>{}</td></tr>\n",
                        escape_html(count.role), escape_html(count.label), escape_html(count.method), count.crops);
  return fmt::format(
      "<div class=\"table\"><table><tr><th class=\"t\">role</th><th class=\"t\">class</th><th "
      "class=\"t\">method</th><th>crops</th></tr>\n{}</table></div>\n<p class=\"sub\">{}<br>SHA-256 {}</p>\n",
      rows, escape_html(report.config.data.manifest), escape_html(report.manifest_sha256));
}

std::string epoch_table(const std::vector<EpochMetrics>& epochs) {
  std::string rows;
  for (const EpochMetrics& e : epochs)
    rows += fmt::format(
        "<tr><td>{}</td><td>{:.5f}</td><td>{:.5f}</td><td>{:.4f}</td><td>{:.3g}</td><td>{:.3g}</td><td>{:.1f}</td></"
        "tr>\n",
        e.epoch, e.train_loss, e.validation.loss, e.validation.auc, e.grad_norm, e.learning_rate, e.crops_per_second);
  return "<details><summary>Every epoch as a table</summary><div class=\"table\"><table><tr><th>epoch</th><th>training "
         "loss</th><th>validation loss</th><th>validation AUC</th><th>gradient norm</th><th>learning "
         "rate</th><th>crops/s</th></tr>\n" +
         rows + "</table></div></details>\n";
}

}  // namespace

std::string run_report_html(const RunReport& report) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}: training</title><style>{}</style></head><body><main>\n",
      escape_html(report.config.name), kStyle);
  html += fmt::format("<h1>{}</h1><p class=\"sub\">training run in {}</p>\n", escape_html(report.config.name),
                      escape_html(report.config.out));
  html += note_html("This run deviates from an honest one", deviations_of(report.config));
  html += note_html("Warnings", all_warnings(report.epochs));
  html += facts(report) + curves(report) + "\n" + epoch_table(report.epochs);
  html += "<h2>Data</h2>\n" + data_table(report);
  html += "<h2>Configuration</h2>\n<details open><summary>every key, as resolved</summary><pre>" +
          escape_html(run_config_json(report.config)) + "</pre></details>\n";
  return html + "</main></body></html>\n";
}

Status write_run_report(const std::filesystem::path& folder, const RunReport& report) {
  return write_file_atomically(folder / kReportFile, run_report_html(report));
}

}  // namespace dfa::train
