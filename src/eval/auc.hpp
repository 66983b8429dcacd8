// Area under the ROC curve and its interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "eval/interval.hpp"

namespace dfa {

// P(score of a fake > score of a real) + half the ties, by ranks in double; labels: 1 = fake, 0 = real. Nothing where a
// class is missing or a score is not finite: undefined is no number. O(n log n).
std::optional<double> area_under_curve(std::span<const double> scores, std::span<const int> labels);

// AUC over items with a 95 % interval from a bootstrap over groups, drawn with replacement within each class: groups[i]
// is the number of the group (video) item i belongs to. All items of a group must have one label. Nothing where a class
// is missing or a score is not finite.
std::optional<Interval> auc_with_interval(std::span<const double> scores, std::span<const int> labels,
                                          std::span<const std::uint32_t> groups, const BootstrapOptions& options);

}  // namespace dfa
