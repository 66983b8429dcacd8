// Charts and their parts: axes, thinning, escaping.
#include "report/svg_chart.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "report/html_page.hpp"
#include "report/html_text.hpp"
#include "report/thin_points.hpp"

namespace dfa::test {
namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(EscapeHtml, LeavesNothingThatAPageWouldTakeForItsOwn) {
  EXPECT_EQ(escape_html("<script>alert('1')</script>&\""),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;");
  EXPECT_EQ(escape_html("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"), "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82");
}

TEST(EscapeHtml, BytesThatAreNoTextBecomeReplacementCharacters) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(escape_html("a\xFF"
                        "b"),
            "a" + mark + "b");
  EXPECT_EQ(escape_html("\xC3"), mark);                        // cut short
  EXPECT_EQ(escape_html("\xC0\xBC"), mark + mark);             // "<", overlong
  EXPECT_EQ(escape_html("\xED\xA0\x80"), mark + mark + mark);  // a surrogate
  EXPECT_EQ(escape_html(std::string("a\0b\x1B", 4)), "a" + mark + "b" + mark);
}

TEST(SvgAxis, TicksAreRound) {
  EXPECT_DOUBLE_EQ(tick_distance(0, 1, 5), 0.2);
  EXPECT_DOUBLE_EQ(tick_distance(0.91, 0.97, 5), 0.02);
  EXPECT_DOUBLE_EQ(tick_distance(0, 100, 10), 10);
  EXPECT_DOUBLE_EQ(tick_distance(0, 30, 10), 5);
}

TEST(SvgAxis, LogAxesMarkPowersAndPlaceByRatio) {
  const SvgAxis axis = SvgAxis::around({.name = "", .scale = Scale::log, .low = 1e-4, .high = 1}, {}, 5);
  ASSERT_EQ(axis.marks().size(), 5U);
  EXPECT_EQ(axis.marks()[1].text, "0.001");
  EXPECT_NEAR(*axis.place(1e-2), 0.5, 1e-12);
  EXPECT_EQ(*axis.place(1e-9), 0);  // beyond the end
  EXPECT_FALSE(axis.place(0));
  EXPECT_FALSE(SvgAxis::around({}, {0, 1}, 5).place(std::nan("")));
}

TEST(ThinPoints, CoversWhatTheWholeCurveCovers) {
  constexpr int kPoints = 100'000;
  constexpr double kColumn = 1, kWidth = 50;
  std::vector<PlotPoint> points;
  for (int i = 0; i < kPoints; ++i) points.push_back({kWidth * i / kPoints, std::sin(i * 0.37) * (i % 1000)});
  const std::vector<PlotPoint> kept = thin_points(points, kColumn);
  EXPECT_LE(kept.size(), 4 * kWidth / kColumn);
  for (int column = 0; column < kWidth; ++column) {
    const auto extent = [&](const std::vector<PlotPoint>& of) {
      std::pair<double, double> range = {std::numeric_limits<double>::infinity(), -1e300};
      for (const PlotPoint& point : of)
        if (std::floor(point.x) == column) range = {std::min(range.first, point.y), std::max(range.second, point.y)};
      return range;
    };
    EXPECT_EQ(extent(kept), extent(points)) << column;
  }
  EXPECT_EQ(kept.front().x, 0);
  EXPECT_EQ(kept.back().y, points.back().y);
}

TEST(SvgChart, DrawsWhatIsFiniteAndThinsLongCurves) {
  Chart chart{.title = "t", .x = {.name = "epoch"}, .y = {}, .series = {{"s", {}}}};
  for (int i = 1; i <= 100'000; ++i)
    chart.series[0].points.push_back({static_cast<double>(i), i == 3001 ? std::nan("") : 1.0 / i});
  const std::string svg = svg_chart(chart);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_LT(svg.size(), 60'000U);
  EXPECT_EQ(count_of(svg, "<circle"), 0U);
  chart.series[0].points.resize(kMostDots);
  EXPECT_EQ(count_of(svg_chart(chart), "<circle"), kMostDots);
  for (const Chart& odd : {Chart{}, Chart{.title = "one", .x = {}, .y = {}, .series = {{"s", {{1, 0}}}}}})
    EXPECT_EQ(svg_chart(odd).find("nan"), std::string::npos);
}

TEST(SvgChart, SaysWhatItLeavesOutAndDoesNotTellSeriesApartByColourAlone) {
  Chart chart{.title = "<t>", .caption = "\"c\"", .x = {}, .y = {}, .series = {}};
  for (std::size_t i = 0; i < kMostSeries + 2; ++i)
    chart.series.push_back({"s" + std::to_string(i), {{0, 0}, {1, static_cast<double>(i)}}});
  const std::string svg = svg_chart(chart);
  EXPECT_NE(svg.find("and 2 more, not drawn"), std::string::npos);
  EXPECT_EQ(count_of(svg, "stroke-dasharray=\"2 3\""), 2U);  // the line and its legend
  EXPECT_NE(svg.find("aria-label=\"&lt;t&gt;. &quot;c&quot;\""), std::string::npos);
  EXPECT_EQ(svg.find("<t>"), std::string::npos);
}

TEST(SvgChart, StepsHoldTheirValueUntilTheNext) {
  const Chart chart{.title = "h",
                    .x = {.name = "", .low = 0, .high = 1},
                    .y = {.name = "", .low = 0, .high = 1},
                    .series = {{"s", {{0, 0.5}, {0.5, 1}, {1, 1}}, Shape::area}}};
  // 60 + 440 x across, 12 + 248 (1 - y) down.
  EXPECT_NE(svg_chart(chart).find("points=\"60.0,136.0 280.0,136.0 280.0,12.0 500.0,12.0"), std::string::npos)
      << svg_chart(chart);
}

TEST(HtmlTable, EscapesCellsAndNamesRowsAndColumns) {
  HtmlTable table("<c>", {{"file", ColumnKind::words}, {"n"}});
  table.add({"a\"<b>", "1 & 2"});
  const std::string html = table.html();
  EXPECT_NE(html.find("<th scope=\"row\" class=\"t\">a&quot;&lt;b&gt;</th><td>1 &amp; 2</td>"), std::string::npos)
      << html;
  EXPECT_EQ(count_of(html, "scope=\"col\""), 2U);
  EXPECT_EQ(html_note("empty", {}), "");
}

}  // namespace
}  // namespace dfa::test
