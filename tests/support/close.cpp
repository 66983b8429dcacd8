#include "support/close.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dfa::test {
namespace {

Comparison refuse(std::string why) {
  return {false, 0, 0, std::move(why)};
}

template <class T>
Comparison compare_values(std::span<const T> got, std::span<const T> want, Tolerance tolerance,
                          Expectation expectation) {
  if (got.size() != want.size()) return refuse(fmt::format("{} values, expected {}", got.size(), want.size()));
  if (want.empty()) return refuse("nothing was compared");
  if (!(tolerance.absolute >= 0 && tolerance.relative >= 0)) return refuse("the tolerance is negative or NaN");
  const bool constant = std::all_of(want.begin(), want.end(), [&](T v) { return v == want.front(); });
  if (constant && expectation == Expectation::varied)
    return refuse(fmt::format("all {} expected values are {}: that proves little", want.size(), want.front()));
  Comparison result{true, 0, 0, ""};
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double bound = tolerance.absolute + tolerance.relative * std::abs(static_cast<double>(want[i]));
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    if (!std::isfinite(want[i])) return refuse(fmt::format("expected value [{}] is {}", i, want[i]));
    if (!(difference <= bound))  // NaN fails here
      return {false, difference / bound, i,
              fmt::format("[{}]: got {}, want {}, off by {} with {} allowed", i, got[i], want[i], difference, bound)};
    const double share = bound > 0 ? difference / bound : 0;
    if (share > result.worst_share) result.worst_share = share, result.worst_index = i;
  }
  result.message = fmt::format("{:.0f} % of tolerance at [{}]", 100 * result.worst_share, result.worst_index);
  return result;
}

}  // namespace

Comparison compare(std::span<const float> got, std::span<const float> want, Tolerance tolerance,
                   Expectation expectation) {
  return compare_values(got, want, tolerance, expectation);
}

Comparison compare(std::span<const double> got, std::span<const double> want, Tolerance tolerance,
                   Expectation expectation) {
  return compare_values(got, want, tolerance, expectation);
}

}  // namespace dfa::test
