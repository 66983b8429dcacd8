#include "report/evaluation_grid.hpp"

#include <fmt/format.h>

#include "eval/card_facts.hpp"

namespace dfa {
namespace {

constexpr Outcome kOutcomes[] = {Outcome::scored, Outcome::no_face, Outcome::low_quality, Outcome::decode_error,
                                 Outcome::abstained};

std::string titled(std::string_view key) {
  return card_title(key);
}

std::vector<std::string> group_row(const std::string& name, const Figures& figures) {
  return {name,
          fmt::format("{} + {}", figures.frame.reals, figures.frame.fakes),
          value_words(figures.frame.of(Metric::auc)),
          fmt::format("{} + {}", figures.video.reals, figures.video.fakes),
          value_words(figures.video.of(Metric::auc)),
          value_words(figures.video.of(Metric::eer)),
          coverage_words(figures.coverage)};
}

std::vector<std::string> average_row(const std::string& name, const AverageFigures& average) {
  const auto of = [](const std::vector<MetricValue>& values, Metric metric) {
    const auto place = static_cast<std::size_t>(metric);
    return place < values.size() ? value_words(values[place]) : std::string("-");
  };
  return {fmt::format("{} ({})", name, average.groups),
          "-",
          of(average.frame, Metric::auc),
          "-",
          of(average.video, Metric::auc),
          of(average.video, Metric::eer),
          "-"};
}

Grid groups_grid(const Evaluation& evaluation) {
  Grid grid;
  grid.title = "fakes of each group against reals";
  grid.columns = {"group",     "crops (real + fake)", "frame AUC",        "videos (real + fake)",
                  "video AUC", "video EER",           "coverage (videos)"};
  grid.rows.push_back(group_row("all", evaluation.all));
  for (const auto& [name, figures] : evaluation.sets) grid.rows.push_back(group_row("set " + name, figures));
  if (evaluation.sets.size() > 1) grid.rows.push_back(average_row("mean over sets", evaluation.over_sets));
  for (const auto& [name, figures] : evaluation.methods) grid.rows.push_back(group_row("method " + name, figures));
  if (evaluation.methods.size() > 1) grid.rows.push_back(average_row("mean over methods", evaluation.over_methods));
  return grid;
}

Grid metrics_grid(const Figures& figures) {
  Grid grid;
  grid.title = "every figure, all inputs [95 % interval]";
  grid.columns = {"figure", "frames", "videos"};
  std::string caution;
  for (const MetricInfo& info : metric_registry()) {
    const MetricValue &frame = figures.frame.of(info.id), &video = figures.video.of(info.id);
    grid.rows.push_back({std::string(info.title), value_words(frame), value_words(video)});
    for (const MetricValue* value : {&frame, &video})
      if (!value->caution.empty()) caution = value->caution;
  }
  if (!caution.empty()) grid.notes.push_back("(!) " + caution);
  return grid;
}

Grid outcomes_grid(const Coverage& coverage) {
  Grid grid;
  grid.title = "outcomes";
  grid.columns = {"inputs"};
  for (const Outcome outcome : kOutcomes) grid.columns.push_back(titled(outcome_name(outcome)));
  const auto add = [&](std::string name, const OutcomeCounts& all, const auto& counts) {
    std::vector<std::string> row{std::move(name)};
    for (const Outcome outcome : kOutcomes) row.push_back(fmt::format("{}", all.of(counts, outcome)));
    grid.rows.push_back(std::move(row));
  };
  for (const auto& [name, counts] :
       {std::pair<std::string, const OutcomeCounts&>{"videos", coverage.videos}, {"crops", coverage.crops}}) {
    add("real " + name, counts, counts.reals);
    add("fake " + name, counts, counts.fakes);
    add("unlabelled " + name, counts, counts.unlabelled);
  }
  if (!coverage.known)
    grid.notes.push_back("inputs that were dropped before anybody listed them are in no count: coverage is unknown");
  return grid;
}

Grid own_grid(const ReportTable& table) {
  Grid grid;
  grid.title = table.title;
  grid.notes = table.notes;
  for (const std::string& column : table.columns) grid.columns.push_back(titled(column));
  for (const std::vector<ReportCell>& row : table.rows) {
    std::vector<std::string> cells;
    cells.reserve(grid.columns.size());
    for (const ReportCell& cell : row) cells.push_back(cell_words(cell));
    cells.resize(grid.columns.size());
    grid.rows.push_back(std::move(cells));
  }
  return grid;
}

}  // namespace

std::string value_words(const MetricValue& value) {
  if (!value.interval) return fmt::format("undefined ({})", value.undefined);
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]{}", value.interval->value, value.interval->low, value.interval->high,
                     value.caution.empty() ? "" : " (!)");
}

std::string cell_words(const ReportCell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *whole);
  if (const auto* number = std::get_if<double>(&cell)) return fmt::format("{:.6g}", *number);
  return value_words(std::get<MetricValue>(cell));
}

std::vector<std::string> evaluation_headlines(const EvaluationReport& report) {
  if (!has_figures(report)) return {};
  const Figures& all = report.evaluation.all;
  const std::string rule = report.evaluation.options.no_face == NoFaceRule::leave_out
                               ? std::string()
                               : fmt::format(", {}", no_face_rule_name(report.evaluation.options.no_face));
  return {fmt::format("video AUC {} (coverage {}{})", value_words(all.video.of(Metric::auc)),
                      coverage_words(all.coverage, all.coverage.videos), rule),
          fmt::format("frame AUC {} (coverage {}{})", value_words(all.frame.of(Metric::auc)),
                      coverage_words(all.coverage, all.coverage.crops), rule)};
}

std::string evaluation_subject(const EvaluationReport& report) {
  const std::string role = report.role.empty() ? std::string() : fmt::format(", role {}", report.role);
  const std::string sources = fmt::format("{}{}", fmt::join(report.sources, ", "), role);
  return report.model_name.empty() ? sources : fmt::format("{} on {}", report.model_name, sources);
}

std::vector<Grid> evaluation_grids(const EvaluationReport& report) {
  std::vector<Grid> grids;
  if (has_figures(report))
    grids = {groups_grid(report.evaluation), metrics_grid(report.evaluation.all),
             outcomes_grid(report.evaluation.all.coverage)};
  for (const ReportTable& table : report.tables) grids.push_back(own_grid(table));
  return grids;
}

}  // namespace dfa
