// An axis of a chart: its range, where a value lies on it, and its marks.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dfa {

enum class Scale { linear, log };

// What the maker of a chart says of an axis; the rest follows from the values.
struct AxisOptions {
  std::string name = {};  // "epoch"
  Scale scale = Scale::linear;
  std::optional<double> low = {}, high = {};  // of the range; nothing = around the values, out to whole marks
  double least_tick = 0;                      // marks are no closer: 1 for what is counted
};

// 1, 2 or 5 times a power of ten: the distance of about `most` marks over [low, high].
double tick_distance(double low, double high, int most);

class SvgAxis {
 public:
  // From the finite values among `values` (on a log axis the positive ones). `most_ticks`: about so many marks.
  static SvgAxis around(const AxisOptions& options, const std::vector<double>& values, int most_ticks);

  // 0 at the low end, 1 at the high one; beyond the ends clamped. Nothing for a value that is not finite, or not
  // positive on a log axis.
  std::optional<double> place(double value) const;

  struct Mark {
    double value = 0;
    std::string text;
  };
  std::vector<Mark> marks() const;
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  Scale scale_ = Scale::linear;
  double low_ = 0, high_ = 1, tick_ = 0.2;
};

}  // namespace dfa
