#include "eval/auc.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/quantile.hpp"
#include "base/rng.hpp"

namespace dfa {
namespace {

constexpr std::size_t kClasses = 2;

// Items in rising order of score; equal scores share one rank group.
struct Ranked {
  std::vector<std::size_t> order;       // item indices
  std::vector<std::size_t> tie_begins;  // first place of each run of equal scores, and the end
};

Ranked rank(std::span<const double> scores) {
  Ranked ranked;
  ranked.order.resize(scores.size());
  std::iota(ranked.order.begin(), ranked.order.end(), std::size_t{0});
  std::sort(ranked.order.begin(), ranked.order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  for (std::size_t i = 0; i < ranked.order.size(); ++i)
    if (i == 0 || scores[ranked.order[i]] != scores[ranked.order[i - 1]]) ranked.tie_begins.push_back(i);
  ranked.tie_begins.push_back(ranked.order.size());
  return ranked;
}

// AUC where item i counts weight[i] times.
double weighted_auc(const Ranked& ranked, std::span<const int> labels, std::span<const double> weight) {
  double reals_below = 0, wins = 0, fakes = 0;
  for (std::size_t run = 0; run + 1 < ranked.tie_begins.size(); ++run) {
    double reals_here = 0, fakes_here = 0;
    for (std::size_t place = ranked.tie_begins[run]; place < ranked.tie_begins[run + 1]; ++place) {
      const std::size_t item = ranked.order[place];
      (labels[item] == 1 ? fakes_here : reals_here) += weight[item];
    }
    wins += fakes_here * (reals_below + 0.5 * reals_here);
    reals_below += reals_here;
    fakes += fakes_here;
  }
  return wins / (reals_below * fakes);
}

bool usable(std::span<const double> scores, std::span<const int> labels) {
  const auto is = [](int wanted) { return [wanted](int label) { return label == wanted; }; };
  return scores.size() == labels.size() && std::any_of(labels.begin(), labels.end(), is(0)) &&
         std::any_of(labels.begin(), labels.end(), is(1)) &&
         std::all_of(labels.begin(), labels.end(), [](int label) { return label == 0 || label == 1; }) &&
         std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); });
}

}  // namespace

std::optional<double> area_under_curve(std::span<const double> scores, std::span<const int> labels) {
  if (!usable(scores, labels)) return std::nullopt;
  const std::vector<double> ones(scores.size(), 1.0);
  return weighted_auc(rank(scores), labels, ones);
}

std::optional<Interval> auc_with_interval(std::span<const double> scores, std::span<const int> labels,
                                          std::span<const std::uint32_t> groups, const BootstrapOptions& options) {
  constexpr double kLow = 0.025, kHigh = 0.975;
  if (!usable(scores, labels) || groups.size() != labels.size() || options.rounds < 1) return std::nullopt;
  const Ranked ranked = rank(scores);
  std::array<std::vector<std::uint32_t>, kClasses> of_class;  // the groups of each class
  const std::uint32_t group_count = *std::max_element(groups.begin(), groups.end()) + 1;
  std::vector<int> label_of(group_count, -1);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    int& label = label_of[groups[i]];
    if (label >= 0 && label != labels[i]) return std::nullopt;
    if (label < 0) of_class[static_cast<std::size_t>(labels[i])].push_back(groups[i]);
    label = labels[i];
  }
  RngStream stream(options.seed, "bootstrap");
  std::vector<double> drawn(group_count), weight(labels.size()), values;
  for (int round = 0; round < options.rounds; ++round) {
    std::fill(drawn.begin(), drawn.end(), 0.0);
    for (const auto& members : of_class)
      for (std::size_t i = 0; i < members.size(); ++i) drawn[members[stream.below(members.size())]] += 1;
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = drawn[groups[i]];
    values.push_back(weighted_auc(ranked, labels, weight));
  }
  std::sort(values.begin(), values.end());
  const std::vector<double> ones(scores.size(), 1.0);
  return Interval{weighted_auc(ranked, labels, ones), quantile_of_sorted(values, kLow),
                  quantile_of_sorted(values, kHigh)};
}

}  // namespace dfa
