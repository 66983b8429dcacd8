// A chart as inline SVG. Colours come from the page's CSS variables --series-1 to --series-8 (html_page.hpp), so that
// one chart serves a light and a dark page; series differ in dashes as well as in colour.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/svg_axis.hpp"

namespace dfa {

struct ChartPoint {
  double x = 0, y = 0;
  std::optional<double> low = {}, high = {};  // an interval around y, drawn as a bar
  std::string note = {};                      // added to what is shown when one points at it
};

enum class Shape {
  line,   // from point to point
  steps,  // y holds from its x to the next point's
  area    // steps, filled down to the axis: histograms
};

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;  // x rising
  Shape shape = Shape::line;
};

// A faint line for comparison.
enum class Guide {
  none,
  diagonal  // y = x: chance of a ROC, the calibrated of a reliability curve
};

struct Chart {
  std::string title;
  std::string caption = {};  // below the picture; read out with it
  AxisOptions x, y;
  std::vector<ChartSeries> series;
  Guide guide = Guide::none;
};

// Those beyond are left out, and the legend says how many.
inline constexpr std::size_t kMostSeries = 8;
// Columns to which a curve is thinned (Note [Thinning]): at most four points of it in each, 1,760 in all.
inline constexpr int kPlotColumns = 440;
// Curves of up to so many points show each of them as a dot that tells its numbers.
inline constexpr std::size_t kMostDots = 120;

// <figure> with title, legend (where there is more than one series), <svg> and caption. Values that are not finite are
// left out.
std::string svg_chart(const Chart& chart);

// Points of a series over 1, 2, ... as they come from a log.
std::vector<ChartPoint> chart_points(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace dfa
