// The one temperature of a model, fitted on crop logits (decisions 11; Guo et al., On calibration of modern neural
// networks, 2017).
#pragma once

#include <span>

namespace dfa {

enum class TemperatureFinding {
  fitted,
  separable,       // no crop on the wrong side of margin 0: the colder the better, without end
  no_information,  // the best 1 / T is not above 0: the scores tell nothing, or point the wrong way
  out_of_range,    // an optimum that no model file may carry
};

struct TemperatureFit {
  TemperatureFinding finding = TemperatureFinding::fitted;
  double temperature = 1;  // 1 unless fitted
};

// The range that a model file may carry.
inline constexpr double kColdest = 1e-3, kHottest = 1e3;

// The T > 0 with the least mean -log p(true class), p_fake = 1 / (1 + exp(-margin / T)): convex in 1 / T, found to
// rounding by Newton's method within a bracket. margins: l1 - l0 of each crop at temperature 1, finite; labels: 1 =
// fake, 0 = real; both classes present. O(n) a step, at most some dozens of steps. Never changes the order of crops.
TemperatureFit fit_temperature(std::span<const double> margins, std::span<const int> labels);

}  // namespace dfa
