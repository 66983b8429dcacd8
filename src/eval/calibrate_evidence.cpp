#include "eval/calibrate_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "eval/calibrate_isotonic.hpp"
#include "score/likelihood.hpp"

namespace dfa {
namespace {

const std::string kEvidence = "likelihood_ratio";

// ln(1 + e^x) without overflow.
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
};

bool separable(std::span<const double> x, std::span<const int> labels) {
  Range reals, fakes;
  for (std::size_t i = 0; i < x.size(); ++i) (labels[i] == 1 ? fakes : reals).add(x[i]);
  return reals.high <= fakes.low || fakes.high <= reals.low;
}

double loss(const LogisticFit& fit, std::span<const double> x, std::span<const int> labels) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double log_odds = fit.slope * x[i] + fit.offset;
    sum += softplus(labels[i] == 1 ? -log_odds : log_odds);
  }
  return sum;
}

// The Newton step (to be added) at `fit`.
LogisticFit newton_step(const LogisticFit& fit, std::span<const double> x, std::span<const int> labels) {
  double g_slope = 0, g_offset = 0, h_slope = 0, h_both = 0, h_offset = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = 1 / (1 + std::exp(-(fit.slope * x[i] + fit.offset)));
    const double error = p - labels[i], weight = p * (1 - p);
    g_slope += error * x[i];
    g_offset += error;
    h_slope += weight * x[i] * x[i];
    h_both += weight * x[i];
    h_offset += weight;
  }
  const double determinant = h_slope * h_offset - h_both * h_both;
  return {-(h_offset * g_slope - h_both * g_offset) / determinant,
          -(h_slope * g_offset - h_both * g_slope) / determinant};
}

struct Standard {
  double mean = 0;
  double deviation = 1;
};

Standard standard_of(std::span<const double> x) {
  Standard standard;
  double sum = 0, squares = 0;
  for (const double value : x) sum += value;
  standard.mean = sum / static_cast<double>(x.size());
  for (const double value : x) squares += (value - standard.mean) * (value - standard.mean);
  if (squares > 0) standard.deviation = std::sqrt(squares / static_cast<double>(x.size()));
  return standard;
}

struct Classes {
  std::size_t reals = 0, fakes = 0;
};

Classes count(std::span<const int> labels) {
  const auto fakes = static_cast<std::size_t>(std::count(labels.begin(), labels.end(), 1));
  return {labels.size() - fakes, fakes};
}

// The smallest p_fake in [0, 1] whose ratio fulfils a condition that, once true, stays so; nothing if none does.
std::optional<double> first_score(const Evidence& evidence, const std::function<bool(double)>& holds) {
  const auto holds_at = [&](double p_fake) { return holds(likelihood_ratio(evidence, p_fake).value); };
  if (holds_at(0)) return 0;
  if (!holds_at(1)) return std::nullopt;
  double low = 0, high = 1;
  while (true) {
    const double middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) return high;
    (holds_at(middle) ? high : low) = middle;
  }
}

}  // namespace

std::optional<LogisticFit> fit_logistic(std::span<const double> x, std::span<const int> labels) {
  constexpr int kMostSteps = 200, kMostHalvings = 60;
  constexpr double kEnough = 1e-15;
  if (separable(x, labels)) return std::nullopt;
  const Standard standard = standard_of(x);
  std::vector<double> z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = (x[i] - standard.mean) / standard.deviation;
  LogisticFit fit;
  double current = loss(fit, z, labels);
  for (int step = 0; step < kMostSteps; ++step) {
    const LogisticFit change = newton_step(fit, z, labels);
    if (!std::isfinite(change.slope) || !std::isfinite(change.offset)) return std::nullopt;
    double share = 1, next_loss = current;
    LogisticFit next = fit;
    for (int halving = 0; halving < kMostHalvings; ++halving, share /= 2) {
      next = {fit.slope + share * change.slope, fit.offset + share * change.offset};
      next_loss = loss(next, z, labels);
      if (next_loss <= current) break;
    }
    // No step downhill left: rounding is all there is.
    if (!(next_loss <= current)) break;
    const double moved = std::max(std::abs(next.slope - fit.slope), std::abs(next.offset - fit.offset));
    fit = next;
    current = next_loss;
    if (moved <= kEnough * std::max(1.0, std::abs(fit.slope))) break;
  }
  const double slope = fit.slope / standard.deviation;
  return LogisticFit{slope, fit.offset - slope * standard.mean};
}

double cllr_of(std::span<const double> log_ratios, std::span<const int> labels) {
  const Classes classes = count(labels);
  double reals = 0, fakes = 0;
  for (std::size_t i = 0; i < labels.size(); ++i)
    (labels[i] == 1 ? fakes : reals) += softplus(labels[i] == 1 ? -log_ratios[i] : log_ratios[i]);
  return (fakes / static_cast<double>(classes.fakes) + reals / static_cast<double>(classes.reals)) /
         (2 * std::log(2.0));
}

double cllr_min_of(std::span<const double> scores, std::span<const int> labels) {
  const Classes classes = count(labels);
  const double prior_odds = static_cast<double>(classes.fakes) / static_cast<double>(classes.reals);
  double reals = 0, fakes = 0;
  for (const IsotonicBlock& block : fit_isotonic(scores, labels)) {
    const double block_fakes = static_cast<double>(block.fakes);
    const double block_reals = static_cast<double>(block.items - block.fakes);
    // A block of one class is right with certainty and costs nothing.
    if (block.fakes == 0 || block.fakes == block.items) continue;
    const double ratio = block_fakes / block_reals / prior_odds;
    fakes += block_fakes * std::log2(1 + 1 / ratio);
    reals += block_reals * std::log2(1 + ratio);
  }
  return (fakes / static_cast<double>(classes.fakes) + reals / static_cast<double>(classes.reals)) / 2;
}

std::variant<Evidence, UnsupportedPart> fit_evidence(std::span<const double> p_fake, std::span<const int> labels,
                                                     EvidenceMap map) {
  const Classes classes = count(labels);
  if (classes.reals < kFewestForEvidence || classes.fakes < kFewestForEvidence)
    return UnsupportedPart{kEvidence, fmt::format("{} real and {} fake items, at least {} of each are needed",
                                                  classes.reals, classes.fakes, kFewestForEvidence)};
  Evidence evidence;
  evidence.map = map;
  evidence.prior_log_odds = std::log(static_cast<double>(classes.fakes) / static_cast<double>(classes.reals));
  evidence.lowest = 1 / (static_cast<double>(classes.fakes) + 1);
  evidence.highest = static_cast<double>(classes.reals) + 1;
  if (map == EvidenceMap::logistic) {
    std::vector<double> log_odds;
    for (const double p : p_fake) log_odds.push_back(clamped_log_odds(p));
    const std::optional<LogisticFit> fit = fit_logistic(log_odds, labels);
    if (!fit)
      return UnsupportedPart{
          kEvidence,
          "the item scores separate real from fake without an error, or are all equal: the logistic map has "
          "no finite optimum; a larger or harder set is needed, or --isotonic"};
    if (!(fit->slope > 0)) return UnsupportedPart{kEvidence, "higher item scores do not go with more fakes"};
    evidence.slope = fit->slope;
    evidence.offset = fit->offset;
  } else {
    evidence.points = isotonic_points(fit_isotonic(p_fake, labels));
    if (evidence.points.front().posterior == evidence.points.back().posterior)
      return UnsupportedPart{kEvidence, "higher item scores do not go with more fakes"};
  }
  std::vector<double> log_ratios;
  for (const double p : p_fake) log_ratios.push_back(std::log(likelihood_ratio(evidence, p).value));
  evidence.cllr = cllr_of(log_ratios, labels);
  evidence.cllr_min = cllr_min_of(p_fake, labels);
  return evidence;
}

AbstainBand abstain_band(const Evidence& evidence, double error) {
  // At even prior odds P(fake | score) = LR / (1 + LR).
  const double real_errs = error / (1 - error), fake_holds = (1 - error) / error;
  AbstainBand band;
  band.error = error;
  band.low = first_score(evidence, [&](double ratio) { return ratio > real_errs; }).value_or(1);
  band.high = first_score(evidence, [&](double ratio) { return ratio >= fake_holds; });
  return band;
}

}  // namespace dfa
