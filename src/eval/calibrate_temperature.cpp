#include "eval/calibrate_temperature.hpp"

#include <cmath>
#include <cstddef>

namespace dfa {
namespace {

constexpr int kMostSteps = 200;  // bisection alone would need fewer to reach neighbouring doubles

// First and second derivative of the summed NLL by beta = 1 / T.
struct Slopes {
  double first = 0;
  double second = 0;
};

Slopes slopes_at(double beta, std::span<const double> margins, std::span<const int> labels) {
  Slopes slopes;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double p = 1 / (1 + std::exp(-beta * margins[i]));
    slopes.first += (p - labels[i]) * margins[i];
    slopes.second += p * (1 - p) * margins[i] * margins[i];
  }
  return slopes;
}

bool separable(std::span<const double> margins, std::span<const int> labels) {
  for (std::size_t i = 0; i < margins.size(); ++i)
    if (labels[i] == 1 ? margins[i] < 0 : margins[i] > 0) return false;
  return true;
}

// The root of the first derivative, which rises. Requires: it is below 0 at `low` and not below 0 at `high`.
double root(double low, double high, std::span<const double> margins, std::span<const int> labels) {
  double beta = high;
  for (int step = 0; step < kMostSteps && low < high; ++step) {
    const Slopes slopes = slopes_at(beta, margins, labels);
    (slopes.first < 0 ? low : high) = beta;
    double next = beta - slopes.first / slopes.second;
    // Written so that NaN goes to the middle too.
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (next == beta || next == low || next == high) return next;
    beta = next;
  }
  return beta;
}

}  // namespace

TemperatureFit fit_temperature(std::span<const double> margins, std::span<const int> labels) {
  if (!(slopes_at(0, margins, labels).first < 0)) return {TemperatureFinding::no_information, 1};
  if (separable(margins, labels)) return {TemperatureFinding::separable, 1};
  if (slopes_at(1 / kHottest, margins, labels).first > 0 || slopes_at(1 / kColdest, margins, labels).first < 0)
    return {TemperatureFinding::out_of_range, 1};
  double low = 1 / kHottest, high = 2 / kHottest;
  while (slopes_at(high, margins, labels).first < 0 && high < 1 / kColdest) {
    low = high;
    high *= 2;
  }
  return {TemperatureFinding::fitted, 1 / root(low, high, margins, labels)};
}

}  // namespace dfa
