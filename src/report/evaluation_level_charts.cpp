// Robustness rows as curves: a figure over the level of each perturbation.
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "report/evaluation_charts.hpp"

namespace dfa {

namespace {

constexpr const char* kTableKey = "robustness";
constexpr const char* kCleanCode = "clean";

std::optional<std::size_t> column_named(const ReportTable& table, std::string_view name) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found == table.columns.end()) return {};
  return static_cast<std::size_t>(found - table.columns.begin());
}

// A whole number in words; nothing for "mean" and "drop".
std::optional<int> level_of(const ReportCell& cell) {
  const std::string* words = std::get_if<std::string>(&cell);
  if (words == nullptr) return {};
  int level = 0;
  const auto [end, error] = std::from_chars(words->data(), words->data() + words->size(), level);
  if (error != std::errc() || end != words->data() + words->size()) return {};
  return level;
}

// The curves of each code in the order of the rows; the clean row is level 0 of all.
std::vector<ChartSeries> series_of(const ReportTable& table, std::size_t code, std::size_t level, std::size_t figure) {
  std::vector<ChartSeries> series;
  std::optional<ChartPoint> clean;
  for (const std::vector<ReportCell>& row : table.rows) {
    const std::string* name = std::get_if<std::string>(&row[code]);
    const MetricValue* value = std::get_if<MetricValue>(&row[figure]);
    const std::optional<int> at = level_of(row[level]);
    if (name == nullptr || value == nullptr || !value->interval || !at) continue;
    const ChartPoint point{static_cast<double>(*at), value->interval->value, value->interval->low,
                           value->interval->high};
    if (*name == kCleanCode) {
      clean = point;
      continue;
    }
    if (series.empty() || series.back().name != *name) {
      series.push_back({*name, {}});
      if (clean) series.back().points.push_back(*clean);
    }
    series.back().points.push_back(point);
  }
  return series;
}

}  // namespace

std::vector<Chart> level_charts(const ReportTable& table) {
  const auto code = column_named(table, "code"), level = column_named(table, "level");
  const std::string_view words = "video_auc";
  const auto figure = column_named(table, words);
  if (table.key != kTableKey || !code || !level || !figure) return {};
  const std::vector<ChartSeries> series = series_of(table, *code, *level, *figure);
  std::vector<Chart> charts;
  for (std::size_t i = 0; i < series.size(); i += kMostSeries) {
    const auto first = series.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last = series.begin() + static_cast<std::ptrdiff_t>(std::min(series.size(), i + kMostSeries));
    charts.push_back({.title = "Video AUC by level",
                      .caption = "Level 0 is the crops as they are; bars are 95 % intervals.",
                      .x = {.name = "level", .least_tick = 1},
                      .y = {.name = "video AUC", .high = 1.0},
                      .series = {first, last}});
  }
  return charts;
}

}  // namespace dfa
