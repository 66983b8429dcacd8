#include "report/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "report/html_text.hpp"
#include "report/thin_points.hpp"

namespace dfa {

namespace {

// In units of the view box. The plot is as wide as there are columns.
constexpr double kLeft = 60, kRight = 16, kTop = 12, kBottom = 44, kHeight = 304;
constexpr double kPlotWidth = kPlotColumns, kPlotHeight = kHeight - kTop - kBottom;
constexpr double kWidth = kLeft + kPlotWidth + kRight;
constexpr int kMostTicks = 6;
constexpr double kMarkGap = 36;  // between the texts of two marks of the x axis, at least

constexpr std::array<const char*, kMostSeries> kDashes = {"none", "7 4", "2 3", "10 3 2 3",
                                                          "12 5", "4 2", "1 2", "8 2 2 2 2 2"};

std::size_t shown(const Chart& chart) {
  return std::min(chart.series.size(), kMostSeries);
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    std::vector<double> x, y;
    for (std::size_t i = 0; i < shown(chart); ++i)
      for (const ChartPoint& point : chart.series[i].points) {
        x.push_back(point.x);
        for (const double value : {point.y, point.low.value_or(point.y), point.high.value_or(point.y)})
          y.push_back(value);
      }
    // A line runs to the frame: the x axis ends with the values, not at whole marks.
    AxisOptions x_options = chart.x;
    if (!x.empty() && x_options.scale == Scale::linear) {
      const auto [low, high] = std::minmax_element(x.begin(), x.end());
      if (!x_options.low) x_options.low = *low;
      if (!x_options.high && *high > *low) x_options.high = *high;
    }
    x_ = SvgAxis::around(x_options, x, kMostTicks);
    y_ = SvgAxis::around(chart.y, y, kMostTicks);
  }

  std::string text() {
    axes();
    if (chart_.guide == Guide::diagonal) diagonal();
    for (std::size_t i = 0; i < shown(chart_); ++i) series(i);
    return svg_;
  }

 private:
  std::optional<PlotPoint> place(double x, double y) const {
    const auto across = x_.place(x), up = y_.place(y);
    if (!across || !up) return {};
    return PlotPoint{kLeft + *across * kPlotWidth, kTop + (1 - *up) * kPlotHeight};
  }

  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(svg_), format, std::forward<Args>(args)...);
  }

  void axes() {
    constexpr double right = kLeft + kPlotWidth, bottom = kTop + kPlotHeight;
    for (const SvgAxis::Mark& mark : y_.marks()) {
      const double at = kTop + (1 - *y_.place(mark.value)) * kPlotHeight;
      put(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft, right, at, at);
      put(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, at + 5, mark.text);
    }
    double last = -kMarkGap;
    for (const SvgAxis::Mark& mark : x_.marks()) {
      const double at = kLeft + *x_.place(mark.value) * kPlotWidth;
      if (at - last < kMarkGap) continue;
      last = at;
      put(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>)", at, at, kTop, bottom);
      put(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>)", at, bottom + 18, mark.text);
    }
    put(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", right, kHeight - 6, escape_html(chart_.x.name));
    if (!chart_.y.name.empty())
      put(R"x(<text transform="translate(11 {}) rotate(-90)" text-anchor="end">{}</text>)x", kTop,
          escape_html(chart_.y.name));
  }

  // Straight on linear axes; on others a curve.
  void diagonal() {
    constexpr int kParts = 64;
    std::string points;
    for (int i = 0; i <= kParts; ++i) {
      const double share = static_cast<double>(i) / kParts;
      const double x = chart_.x.scale == Scale::log ? x_.low() * std::pow(x_.high() / x_.low(), share)
                                                    : x_.low() + share * (x_.high() - x_.low());
      if (x < y_.low() || x > y_.high()) continue;
      if (const auto at = place(x, x)) points += fmt::format("{:.1f},{:.1f} ", at->x, at->y);
    }
    put(R"(<polyline class="guide" fill="none" points="{}"/>)", points);
  }

  void series(std::size_t index) {
    const ChartSeries& series = chart_.series[index];
    std::vector<PlotPoint> path;
    for (const ChartPoint& point : series.points) {
      const auto at = place(point.x, point.y);
      if (!at) continue;
      if (series.shape != Shape::line && !path.empty()) path.push_back({at->x, path.back().y});
      path.push_back(*at);
    }
    put(R"x(<g style="--line:var(--series-{})">)x", index + 1);
    std::string points;
    for (const PlotPoint& point : thin_points(path, 1)) points += fmt::format("{:.1f},{:.1f} ", point.x, point.y);
    constexpr double bottom = kTop + kPlotHeight;
    if (series.shape == Shape::area && !path.empty())
      put(R"(<polygon class="area" points="{:.1f},{} {}{:.1f},{}"/>)", path.front().x, bottom, points, path.back().x,
          bottom);
    put(R"(<polyline class="line" stroke-dasharray="{}" points="{}"/>)", kDashes[index], points);
    if (series.points.size() <= kMostDots) dots(series);
    put("</g>");
  }

  void dots(const ChartSeries& series) {
    for (const ChartPoint& point : series.points) {
      const auto at = place(point.x, point.y);
      if (!at) continue;
      if (point.low && point.high)
        if (const auto low = place(point.x, *point.low), high = place(point.x, *point.high); low && high)
          put(R"(<line class="span" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", at->x, low->y, high->y);
      // Steps are read by their outline; their points would hide it, but still tell their numbers.
      put(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}"{}><title>{}, {} {:.6g}: {:.6g}{}{}</title></circle>)", at->x, at->y,
          series.shape == Shape::line ? "2.5" : "6", series.shape == Shape::line ? "" : R"( fill-opacity="0")",
          escape_html(series.name), escape_html(chart_.x.name), point.x, point.y, point.note.empty() ? "" : "; ",
          escape_html(point.note));
    }
  }

  const Chart& chart_;
  SvgAxis x_, y_;
  std::string svg_;
};

std::string legend_of(const Chart& chart) {
  if (chart.series.size() < 2) return "";
  std::string items;
  for (std::size_t i = 0; i < shown(chart); ++i)
    items += fmt::format(
        R"x(<span><svg viewBox="0 0 26 8" aria-hidden="true" style="--line:var(--series-{})"><line class="line" x1="0" x2="26" y1="4" y2="4" stroke-dasharray="{}"/></svg>{}</span>)x",
        i + 1, kDashes[i], escape_html(chart.series[i].name));
  if (chart.series.size() > kMostSeries)
    items += fmt::format("<span>and {} more, not drawn</span>", chart.series.size() - kMostSeries);
  return "<div class=\"legend\">" + items + "</div>";
}

}  // namespace

std::vector<ChartPoint> chart_points(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<ChartPoint> points;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) points.push_back({x[i], y[i]});
  return points;
}

std::string svg_chart(const Chart& chart) {
  const std::string caption = chart.caption.empty() ? "" : "<p>" + escape_html(chart.caption) + "</p>";
  return fmt::format(
      R"(<figure><figcaption>{}</figcaption>{}<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>{}</figure>)",
      escape_html(chart.title), legend_of(chart), kWidth, kHeight, escape_html(chart.title + ". " + chart.caption),
      Drawing(chart).text(), caption);
}

}  // namespace dfa
