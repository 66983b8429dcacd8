#include "eval/auc.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "eval/bootstrap.hpp"
#include "eval/metric.hpp"

namespace dfa {
namespace {

constexpr auto kAuc = static_cast<std::size_t>(Metric::auc);

bool usable(std::span<const double> scores, std::span<const int> labels) {
  const auto is = [](int wanted) { return [wanted](int label) { return label == wanted; }; };
  return scores.size() == labels.size() && std::any_of(labels.begin(), labels.end(), is(0)) &&
         std::any_of(labels.begin(), labels.end(), is(1)) &&
         std::all_of(labels.begin(), labels.end(), [](int label) { return label == 0 || label == 1; }) &&
         std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); });
}

bool one_label_a_group(std::span<const int> labels, std::span<const std::uint32_t> groups) {
  std::map<std::uint32_t, int> seen;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (seen.emplace(groups[i], labels[i]).first->second != labels[i]) return false;
  return true;
}

}  // namespace

std::optional<double> area_under_curve(std::span<const double> scores, std::span<const int> labels) {
  if (!usable(scores, labels)) return std::nullopt;
  return measure(Metric::auc, scores, labels).value;
}

std::optional<Interval> auc_with_interval(std::span<const double> scores, std::span<const int> labels,
                                          std::span<const std::uint32_t> groups, const BootstrapOptions& options) {
  if (!usable(scores, labels) || groups.size() != labels.size() || options.rounds < 1) return std::nullopt;
  if (!one_label_a_group(labels, groups)) return std::nullopt;
  const Replicates replicates = bootstrap({scores, labels, groups}, kDefaultThreshold, options);
  const auto column = [](const std::vector<MetricArray>& rows) {
    std::vector<double> values;
    values.reserve(rows.size());
    for (const MetricArray& row : rows) values.push_back(row[kAuc]);
    return values;
  };
  return interval_from(replicates.point[kAuc], replicates.cell_point[kAuc], column(replicates.rounds),
                       {column(replicates.left_out[0]), column(replicates.left_out[1])}, options.method);
}

}  // namespace dfa
