// Thresholds on item scores with a promised false-positive rate.
//
// Note [What "fpr5" promises]
// That at most 5 % of genuine items like those of the calibration set are called fake, with 95 % confidence. A
// threshold at which exactly 5 % of the set's reals are called fake would break that promise in every second set. So
// the threshold lies just above the (k+1)-th highest real, k being the largest count for which
// P(Binomial(reals, 0.05) <= k) <= 0.05: a one-sided tolerance limit (Wilks 1941), for any distribution of scores. With
// k = 0 this needs ln 0.05 / ln 0.95 reals, 59 of them, or 299 for 1 %: fewer cannot carry the promise, whatever
// they score.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "model/calibration.hpp"

namespace dfa {

inline constexpr double kPromiseConfidence = 0.95;

// The regularised incomplete beta function I_x(a, b): P(Binomial(n, p) >= k) = I_p(k, n - k + 1). a, b > 0; x in [0,
// 1].
double incomplete_beta(double a, double b, double x);

// Exact two-sided 95 % limits of a share (Clopper and Pearson 1934). Requires hits <= of, of > 0.
ShareInterval clopper_pearson(std::size_t hits, std::size_t of);

// The fewest reals that can carry the promise: 59 for 0.05, 299 for 0.01.
std::size_t reals_needed(double promised_fpr);

// Note [What "fpr5" promises]. Requires reals >= reals_needed(promised_fpr).
std::size_t false_alarms_allowed(std::size_t reals, double promised_fpr);

struct PromisedPoint {
  std::string_view name;
  double fpr;
};
inline constexpr PromisedPoint kPromisedPoints[] = {{"fpr1", 0.01}, {"fpr5", 0.05}};

// The point, or why the set does not support it: too few reals (and how many are missing), reals at p_fake 1, or no
// fake above the threshold. Measured rates come with exact 95 % limits; TPR too, since at a given threshold it is a
// plain share of items, and a bootstrap of 40 found out of 40 would claim certainty.
std::variant<Threshold, UnsupportedPart> promised_threshold(const PromisedPoint& point,
                                                            std::span<const double> item_scores,
                                                            std::span<const int> labels);

}  // namespace dfa
