// A line chart as inline SVG. Colours come from the page's CSS variables --series-1 to --series-8, so that one chart
// serves a light and a dark page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dfa::train {

struct ChartSeries {
  std::string name;
  std::vector<double> y;  // as many as the chart has x
};

// Where the vertical axis begins: at the values, or at zero if that is lower.
enum class Base { values, zero };

struct Chart {
  std::string title;
  std::string x_name;     // "epoch"
  std::vector<double> x;  // rising
  std::vector<ChartSeries> series;
  Base base = Base::values;
};

inline constexpr std::size_t kMostSeries = 8;  // those beyond are left out
// Long runs are thinned to about this many points; the last one is always drawn.
inline constexpr std::size_t kMostPoints = 400;

// <figure> with title, legend (where there is more than one series) and <svg>. Values that are not finite are left out.
std::string svg_chart(const Chart& chart);

// Text for HTML and its attributes.
std::string escape_html(std::string_view text);

// 1, 2 or 5 times a power of ten: the distance of about `most` marks over [low, high].
double tick_distance(double low, double high, int most);

}  // namespace dfa::train
