// Points of a sample.
#pragma once

#include <cstddef>
#include <span>

namespace dfa {

// The value below which `share` (0 to 1) of the sorted values lie, linear between neighbours. Requires at least one.
inline double quantile_of_sorted(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = below + 1 < sorted.size() ? below + 1 : below;
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace dfa
