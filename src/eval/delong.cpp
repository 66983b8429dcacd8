#include "eval/delong.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dfa {
namespace {

// For each value of `of`: the share of the sorted `others` below it, ties half.
std::vector<double> placements(const std::vector<double>& of, std::vector<double> others) {
  std::sort(others.begin(), others.end());
  std::vector<double> shares;
  for (const double value : of) {
    const auto below = std::lower_bound(others.begin(), others.end(), value) - others.begin();
    const auto upto = std::upper_bound(others.begin(), others.end(), value) - others.begin();
    shares.push_back(static_cast<double>(below + upto) / (2 * static_cast<double>(others.size())));
  }
  return shares;
}

struct MeanAndVariance {
  double mean = 0, variance = 0;  // the variance with n - 1
};
MeanAndVariance moments(const std::vector<double>& values) {
  MeanAndVariance out;
  for (const double value : values) out.mean += value / static_cast<double>(values.size());
  for (const double value : values)
    out.variance += (value - out.mean) * (value - out.mean) / static_cast<double>(values.size() - 1);
  return out;
}

std::vector<double> of_class(std::span<const double> scores, std::span<const int> labels, int wanted) {
  std::vector<double> chosen;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (labels[i] == wanted) chosen.push_back(scores[i]);
  return chosen;
}

}  // namespace

std::optional<double> delong_p(std::span<const double> first, std::span<const double> second,
                               std::span<const int> labels) {
  const std::vector<double> reals[] = {of_class(first, labels, 0), of_class(second, labels, 0)};
  const std::vector<double> fakes[] = {of_class(first, labels, 1), of_class(second, labels, 1)};
  if (reals[0].size() < 2 || fakes[0].size() < 2) return std::nullopt;
  // Placements of the two scores differ item by item; the variance of the AUCs' difference is that of these
  // differences.
  std::vector<double> fake_gaps = placements(fakes[0], reals[0]), real_gaps = placements(reals[0], fakes[0]);
  const std::vector<double> fake_seconds = placements(fakes[1], reals[1]),
                            real_seconds = placements(reals[1], fakes[1]);
  for (std::size_t i = 0; i < fake_gaps.size(); ++i) fake_gaps[i] -= fake_seconds[i];
  for (std::size_t i = 0; i < real_gaps.size(); ++i) real_gaps[i] -= real_seconds[i];
  const MeanAndVariance of_fakes = moments(fake_gaps), of_reals = moments(real_gaps);
  const double variance = of_fakes.variance / static_cast<double>(fake_gaps.size()) +
                          of_reals.variance / static_cast<double>(real_gaps.size());
  if (!(variance > 0)) return std::nullopt;
  return std::erfc(std::abs(of_fakes.mean) / std::sqrt(2 * variance));
}

}  // namespace dfa
