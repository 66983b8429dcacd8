// DeLong's test of two paired AUCs.
#pragma once

#include <optional>
#include <span>

namespace dfa {

// Two-sided p of "both AUCs are equal" for two scores of the same independent items (DeLong, DeLong and Clarke-Pearson
// 1988). Nothing where a class has fewer than two items or the difference does not vary. O(N log N).
std::optional<double> delong_p(std::span<const double> first, std::span<const double> second,
                               std::span<const int> labels);

}  // namespace dfa
