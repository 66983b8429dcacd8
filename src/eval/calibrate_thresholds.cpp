#include "eval/calibrate_thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace dfa {
namespace {

// The continued fraction of I_x(a, b), by the modified Lentz algorithm; converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr int kMostTerms = 100'000;
  constexpr double kTiny = 1e-300;
  constexpr double kEnough = 1e-16;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int term = 1; term < kMostTerms; ++term) {
    const double m = term;
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < kEnough) break;
  }
  return fraction;
}

// The x in [0, 1] at which a rising function reaches `wanted`, to neighbouring doubles.
double invert_rising(double wanted, const std::function<double(double)>& rising) {
  double low = 0, high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) return middle;
    (rising(middle) < wanted ? low : high) = middle;
  }
}

double at_most(std::size_t hits, std::size_t of, double share) {
  if (hits >= of) return 1;
  return 1 - incomplete_beta(static_cast<double>(hits) + 1, static_cast<double>(of - hits), share);
}

struct Counts {
  std::size_t reals = 0, fakes = 0;
  std::size_t false_alarms = 0, found = 0;
};

Counts count_at(double threshold, std::span<const double> scores, std::span<const int> labels) {
  Counts counts;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool called_fake = scores[i] >= threshold;
    (labels[i] == 1 ? counts.fakes : counts.reals) += 1;
    if (called_fake) (labels[i] == 1 ? counts.found : counts.false_alarms) += 1;
  }
  return counts;
}

// Half way from `below` to the next score that occurs, so that the last bits of a score decide nothing; above 1 if none
// does.
double threshold_above(double below, std::span<const double> scores) {
  double next = std::numeric_limits<double>::infinity();
  for (const double score : scores)
    if (score > below) next = std::min(next, score);
  const double middle = below + (next - below) / 2;
  return middle > below ? middle : next;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  const double log_front = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  return std::exp(log_front) * beta_fraction(a, b, x) / a;
}

ShareInterval clopper_pearson(std::size_t hits, std::size_t of) {
  constexpr double kTail = 0.025;
  const double k = static_cast<double>(hits), rest = static_cast<double>(of - hits);
  ShareInterval interval = {0, 1};
  if (hits > 0) interval.low = invert_rising(kTail, [&](double share) { return incomplete_beta(k, rest + 1, share); });
  if (hits < of)
    interval.high = invert_rising(1 - kTail, [&](double share) { return incomplete_beta(k + 1, rest, share); });
  return interval;
}

std::size_t reals_needed(double promised_fpr) {
  return static_cast<std::size_t>(std::ceil(std::log(1 - kPromiseConfidence) / std::log1p(-promised_fpr)));
}

std::size_t false_alarms_allowed(std::size_t reals, double promised_fpr) {
  std::size_t allowed = 0;
  while (at_most(allowed + 1, reals, promised_fpr) <= 1 - kPromiseConfidence) ++allowed;
  return allowed;
}

std::variant<Threshold, UnsupportedPart> promised_threshold(const PromisedPoint& point,
                                                            std::span<const double> item_scores,
                                                            std::span<const int> labels) {
  const std::string name(point.name);
  std::vector<double> reals;
  for (std::size_t i = 0; i < item_scores.size(); ++i)
    if (labels[i] == 0) reals.push_back(item_scores[i]);
  const std::size_t needed = reals_needed(point.fpr);
  if (reals.size() < needed)
    return UnsupportedPart{
        name, fmt::format("{} real items; at most {:g} % false alarms with {:g} % confidence needs {} of "
                          "them: {} missing",
                          reals.size(), 100 * point.fpr, 100 * kPromiseConfidence, needed, needed - reals.size())};
  std::sort(reals.begin(), reals.end(), std::greater<>());
  const double threshold = threshold_above(reals[false_alarms_allowed(reals.size(), point.fpr)], item_scores);
  if (!(threshold <= 1))
    return UnsupportedPart{
        name,
        "no item scores higher than the reals that must not be called fake: any threshold would find "
        "no fake"};
  const Counts counts = count_at(threshold, item_scores, labels);
  if (counts.found == 0)
    return UnsupportedPart{
        name, fmt::format("no fake of the set reaches the threshold of {:.4f} that the reals demand", threshold)};
  return Threshold{.name = name,
                   .threshold = threshold,
                   .measured_fpr = static_cast<double>(counts.false_alarms) / static_cast<double>(counts.reals),
                   .measured_tpr = static_cast<double>(counts.found) / static_cast<double>(counts.fakes),
                   .fpr_interval = clopper_pearson(counts.false_alarms, counts.reals),
                   .tpr_interval = clopper_pearson(counts.found, counts.fakes)};
}

}  // namespace dfa
