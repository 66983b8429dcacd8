#include "train/report/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace dfa::train {

namespace {

// In units of the view box.
constexpr double kWidth = 560, kHeight = 250, kLeft = 58, kRight = 14, kTop = 10, kBottom = 36;
constexpr int kMostTicks = 5;

struct Axis {
  double low = 0, high = 1, tick = 0.5;
};

// Whole ticks around all finite values.
Axis axis_of(const std::vector<const std::vector<double>*>& values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const std::vector<double>* list : values)
    for (const double value : *list)
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) return {};
  if (low == high) {
    const double room = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= room, high += room;
  }
  const double tick = tick_distance(low, high, kMostTicks);
  return {std::floor(low / tick) * tick, std::ceil(high / tick) * tick, tick};
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    std::vector<const std::vector<double>*> values;
    for (std::size_t i = 0; i < shown(); ++i) values.push_back(&chart.series[i].y);
    const std::vector<double> zero = {0};
    if (chart.base == Base::zero) values.push_back(&zero);
    y_ = axis_of(values);
    x_ = axis_of({&chart.x});
    x_.low = chart.x.empty() ? 0 : chart.x.front();
    x_.high = chart.x.size() < 2 ? x_.low + 1 : chart.x.back();
    x_.tick = std::max(1.0, tick_distance(x_.low, x_.high, 2 * kMostTicks));
  }

  std::string text() {
    axes();
    for (std::size_t i = 0; i < shown(); ++i) line(i);
    return svg_;
  }

 private:
  std::size_t shown() const { return std::min(chart_.series.size(), kMostSeries); }
  double place_x(double x) const { return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight); }
  double place_y(double y) const { return kTop + (y_.high - y) / (y_.high - y_.low) * (kHeight - kTop - kBottom); }

  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(svg_), format, std::forward<Args>(args)...);
  }

  void axes() {
    const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(y_.tick) - 1e-9)), 0, 8);
    const int rows = static_cast<int>(std::lround((y_.high - y_.low) / y_.tick));
    for (int i = 0; i <= rows; ++i) {
      const double value = y_.low + i * y_.tick, at = place_y(value);
      put(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft, kWidth - kRight, at, at);
      const std::string mark = y_.tick < 1e-4 ? fmt::format("{:.1e}", value) : fmt::format("{:.{}f}", value, digits);
      put(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8, at + 4, mark);
    }
    for (double x = std::ceil(x_.low / x_.tick) * x_.tick; x <= x_.high + 1e-9; x += x_.tick)
      put(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>)", place_x(x), kHeight - kBottom + 18, x);
    put(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", kWidth - kRight, kHeight - 3, escape_html(chart_.x_name));
  }

  void line(std::size_t index) {
    const ChartSeries& series = chart_.series[index];
    const std::size_t count = std::min(series.y.size(), chart_.x.size());
    const std::size_t stride = std::max<std::size_t>(1, (count + kMostPoints - 1) / kMostPoints);
    std::string points, dots;
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_drawn = i % stride == 0 || i + 1 == count;
      if (!is_drawn || !std::isfinite(series.y[i])) continue;
      const double x = place_x(chart_.x[i]), y = place_y(series.y[i]);
      points += fmt::format("{:.1f},{:.1f} ", x, y);
      dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.5"><title>{}, {} {:g}: {:.6g}</title></circle>)", x,
                          y, escape_html(series.name), escape_html(chart_.x_name), chart_.x[i], series.y[i]);
    }
    put(R"x(<g style="--line:var(--series-{})"><polyline points="{}"/>{}</g>)x", index + 1, points, dots);
  }

  const Chart& chart_;
  Axis x_, y_;
  std::string svg_;
};

std::string legend_of(const Chart& chart) {
  if (chart.series.size() < 2) return "";
  std::string items;
  for (std::size_t i = 0; i < std::min(chart.series.size(), kMostSeries); ++i)
    items += fmt::format(R"x(<span><i style="background:var(--series-{})"></i>{}</span>)x", i + 1,
                         escape_html(chart.series[i].name));
  return "<div class=\"legend\">" + items + "</div>";
}

}  // namespace

double tick_distance(double low, double high, int most) {
  const double raw = (high - low) / most;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string svg_chart(const Chart& chart) {
  return fmt::format(
      R"(<figure><figcaption>{}</figcaption>{}<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg></figure>)",
      escape_html(chart.title), legend_of(chart), kWidth, kHeight, escape_html(chart.title), Drawing(chart).text());
}

}  // namespace dfa::train
