#include "report/svg_axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace dfa {

namespace {

// A share of one mark's distance: sums of marks are off by roundings.
constexpr double kRounding = 1e-9;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
};

Range range_of(const std::vector<double>& values, Scale scale) {
  Range range;
  for (const double value : values)
    if (std::isfinite(value) && (scale == Scale::linear || value > 0))
      range = {std::min(range.low, value), std::max(range.high, value)};
  return range;
}

}  // namespace

double tick_distance(double low, double high, int most) {
  const double raw = (high - low) / most;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw * (1 - kRounding)) return factor * power;
  return 10 * power;
}

SvgAxis SvgAxis::around(const AxisOptions& options, const std::vector<double>& values, int most_ticks) {
  SvgAxis axis;
  axis.scale_ = options.scale;
  Range range = range_of(values, options.scale);
  if (options.low) range.low = *options.low;
  if (options.high) range.high = *options.high;
  if (!std::isfinite(range.low) || !std::isfinite(range.high)) range = {options.scale == Scale::log ? 0.1 : 0.0, 1};
  if (options.scale == Scale::log) {
    axis.low_ = options.low ? range.low : std::pow(10, std::floor(std::log10(range.low)));
    axis.high_ = options.high ? range.high : std::pow(10, std::ceil(std::log10(range.high)));
    if (!(axis.high_ > axis.low_)) axis.high_ = axis.low_ * 10;
    return axis;
  }
  if (!(range.high > range.low)) {
    const double room = range.low == 0 ? 1 : std::abs(range.low) * 0.1;
    if (!options.low) range.low -= room;
    range.high = std::max(range.high, range.low) + room;
  }
  axis.tick_ = std::max(options.least_tick, tick_distance(range.low, range.high, most_ticks));
  axis.low_ = options.low ? range.low : std::floor(range.low / axis.tick_ + kRounding) * axis.tick_;
  axis.high_ = options.high ? range.high : std::ceil(range.high / axis.tick_ - kRounding) * axis.tick_;
  return axis;
}

std::optional<double> SvgAxis::place(double value) const {
  if (!std::isfinite(value) || (scale_ == Scale::log && value <= 0)) return {};
  const double share =
      scale_ == Scale::log ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return std::clamp(share, 0.0, 1.0);
}

std::vector<SvgAxis::Mark> SvgAxis::marks() const {
  std::vector<Mark> marks;
  if (scale_ == Scale::log) {
    const int first = static_cast<int>(std::ceil(std::log10(low_) - kRounding));
    const int last = static_cast<int>(std::floor(std::log10(high_) + kRounding));
    for (int power = first; power <= last; ++power)
      marks.push_back({std::pow(10, power), fmt::format("{:g}", std::pow(10, power))});
    return marks;
  }
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(tick_) - kRounding)), 0, 8);
  const auto first = std::llround(std::ceil(low_ / tick_ - kRounding));
  const auto last = std::llround(std::floor(high_ / tick_ + kRounding));
  for (auto i = first; i <= last; ++i) {
    const double value = static_cast<double>(i) * tick_;
    marks.push_back(
        {value, tick_ < 1e-4 && i != 0 ? fmt::format("{:.1e}", value) : fmt::format("{:.{}f}", value, digits)});
  }
  return marks;
}

}  // namespace dfa
