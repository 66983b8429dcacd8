#include "exchange/resample_positions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dfa {
namespace {

// Keys' cubic convolution, as torch parameterises it with and without antialiasing.
constexpr double kBicubicA = -0.75;
constexpr double kAntialiasA = -0.5;
constexpr double kOffset = 0.1;
constexpr double kCubicSupport = 2;

struct Tap {
  std::size_t from = 0;
  double weight = 0;
};
using Taps = std::vector<std::vector<Tap>>;  // of each output of one axis

double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

std::size_t clamped(std::int64_t at, int side) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, side - 1));
}

// Samples at the output's centre alone: a grid that shrinks loses what lies between them, as in the libraries.
Taps point_taps(int from, int to, PositionRule rule) {
  const double step = from / (rule == PositionRule::bicubic_offset ? to + kOffset : static_cast<double>(to));
  Taps taps(static_cast<std::size_t>(to));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const double at = step * (static_cast<double>(i) + 0.5) - 0.5;
    const auto base = static_cast<std::int64_t>(std::floor(at));
    const double fraction = at - static_cast<double>(base);
    if (rule == PositionRule::bilinear) {
      taps[i] = {{clamped(base, from), 1 - fraction}, {clamped(base + 1, from), fraction}};
      continue;
    }
    for (std::int64_t k = -1; k <= 2; ++k)
      taps[i].push_back({clamped(base + k, from), cubic(fraction - static_cast<double>(k), kBicubicA)});
  }
  return taps;
}

// The kernel spans as many inputs as it needs; at an edge it is cut and made to sum to 1 again.
Taps antialias_taps(int from, int to) {
  const double step = static_cast<double>(from) / to;
  const double widened = std::max(step, 1.0);
  const double support = kCubicSupport * widened;
  Taps taps(static_cast<std::size_t>(to));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const double centre = step * (static_cast<double>(i) + 0.5);
    // Torch cuts towards zero here; lround() would round halves below zero the other way.
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);    // NOLINT(bugprone-incorrect-roundings)
    const int last = std::min(static_cast<int>(centre + support + 0.5), from);  // NOLINT(bugprone-incorrect-roundings)
    double sum = 0;
    for (int j = first; j < last; ++j) {
      taps[i].push_back({static_cast<std::size_t>(j), cubic((j + 0.5 - centre) / widened, kAntialiasA)});
      sum += taps[i].back().weight;
    }
    for (Tap& tap : taps[i]) tap.weight /= sum;
  }
  return taps;
}

// (G*G, D) to (side*side, D): along each row, then along each column.
std::vector<double> resample_grid(std::span<const float> grid, std::size_t side, std::size_t dim, const Taps& taps) {
  const std::size_t wanted = taps.size();
  std::vector<double> across(side * wanted * dim, 0);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < wanted; ++x)
      for (const Tap& tap : taps[x])
        for (std::size_t d = 0; d < dim; ++d)
          across[(y * wanted + x) * dim + d] += tap.weight * static_cast<double>(grid[(y * side + tap.from) * dim + d]);
  std::vector<double> whole(wanted * wanted * dim, 0);
  for (std::size_t y = 0; y < wanted; ++y)
    for (const Tap& tap : taps[y])
      for (std::size_t k = 0; k < wanted * dim; ++k)
        whole[y * wanted * dim + k] += tap.weight * across[tap.from * wanted * dim + k];
  return whole;
}

}  // namespace

std::string_view position_rule_text(PositionRule rule) {
  switch (rule) {
    case PositionRule::bilinear:
      return "bilinear";
    case PositionRule::bicubic:
      return "bicubic";
    case PositionRule::bicubic_antialias:
      return "bicubic with antialiasing";
    case PositionRule::bicubic_offset:
      return "bicubic, shifted as DINOv2's authors do";
  }
  return "";
}

Result<Tensor> resample_positions(const Tensor& table, int prefix, int side, PositionRule rule) {
  const std::int64_t rows = table.shape.size() == 3 ? table.shape[1] - prefix : 0;
  const auto stored = static_cast<int>(std::lround(std::sqrt(std::max<std::int64_t>(rows, 0))));
  if (table.shape.size() != 3 || table.shape[0] != 1 || stored < 1 || std::int64_t{stored} * stored != rows || side < 1)
    return fail(ErrorCode::model_incompatible, "positions are {}, expected {} rows and a square number of them",
                shape_text(table.shape), prefix);
  if (stored == side) return table;
  DFA_ASSIGN_OR_RETURN(std::vector<float> values, table.to_f32());
  const auto dim = static_cast<std::size_t>(table.shape[2]);
  const std::size_t kept = static_cast<std::size_t>(prefix) * dim;
  const Taps taps =
      rule == PositionRule::bicubic_antialias ? antialias_taps(stored, side) : point_taps(stored, side, rule);
  const std::vector<double> moved =
      resample_grid(std::span<const float>(values).subspan(kept), static_cast<std::size_t>(stored), dim, taps);
  values.resize(kept);
  for (const double value : moved) values.push_back(static_cast<float>(value));
  return Tensor::from_f32({1, prefix + std::int64_t{side} * side, table.shape[2]}, values);
}

std::string resampling_text(int from_side, int to_side, PositionRule rule) {
  return fmt::format("positions resampled from {0}x{0} to {1}x{1}, {2}", from_side, to_side, position_rule_text(rule));
}

}  // namespace dfa
