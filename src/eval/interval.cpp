#include "eval/interval.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/quantile.hpp"
#include "eval/bootstrap.hpp"

namespace dfa {
namespace {

constexpr double kLow = 0.025, kHigh = 0.975;

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

// Inverse of normal_cdf by bisection; shares are within (0, 1).
double normal_quantile(double share) {
  constexpr double kFar = 40;
  constexpr int kHalvings = 60;
  double low = -kFar, high = kFar;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (normal_cdf(middle) < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Efron's z0: how far the bootstrap distribution's median lies from the figure, in normal units; ties count half.
double bias_correction(std::span<const double> sorted, double reference) {
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), reference) - sorted.begin();
  const auto upto = std::upper_bound(sorted.begin(), sorted.end(), reference) - sorted.begin();
  const auto count = static_cast<double>(sorted.size());
  const double share = static_cast<double>(below + upto) / (2 * count);
  return normal_quantile(std::clamp(share, 0.5 / count, 1 - 0.5 / count));
}

// Efron's a for two independent samples: the skewness of the influence of single videos (or of parts) over 6.
double acceleration(const std::array<std::vector<double>, 2>& left_out) {
  double squares = 0, cubes = 0;
  for (const auto& values : left_out) {
    std::vector<double> defined;
    for (const double value : values)
      if (!std::isnan(value)) defined.push_back(value);
    if (defined.size() < 2) continue;
    const double mean = std::accumulate(defined.begin(), defined.end(), 0.0) / static_cast<double>(defined.size());
    for (const double value : defined) {
      const double influence = mean - value;
      squares += influence * influence;
      cubes += influence * influence * influence;
    }
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

std::string_view interval_method_name(IntervalMethod method) {
  return method == IntervalMethod::bca ? "BCa" : "percentile";
}

Interval interval_from(double value, double reference, std::vector<double> rounds,
                       const std::array<std::vector<double>, 2>& left_out, IntervalMethod method) {
  std::erase_if(rounds, [](double round) { return std::isnan(round); });
  if (rounds.empty()) return {value, value, value};
  std::sort(rounds.begin(), rounds.end());
  double low = kLow, high = kHigh;
  if (method == IntervalMethod::bca) {
    const double z0 = bias_correction(rounds, reference), a = acceleration(left_out);
    const auto corrected = [&](double share) {
      const double z = z0 + normal_quantile(share);
      return normal_cdf(z0 + z / (1 - a * z));
    };
    low = corrected(kLow);
    high = corrected(kHigh);
  }
  const double shift = value - reference;  // 0 unless the resamples saw coarse cells
  return {value, quantile_of_sorted(rounds, low) + shift, quantile_of_sorted(rounds, high) + shift};
}

}  // namespace dfa
