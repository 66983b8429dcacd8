#include "report/thin_points.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace dfa {

namespace {

// What stays of points[begin, end), which lie in one column.
void keep_column(const std::vector<PlotPoint>& points, std::size_t begin, std::size_t end,
                 std::vector<PlotPoint>& kept) {
  std::size_t lowest = begin, highest = begin;
  for (std::size_t i = begin; i < end; ++i) {
    if (points[i].y < points[lowest].y) lowest = i;
    if (points[i].y > points[highest].y) highest = i;
  }
  std::array<std::size_t, 4> chosen = {begin, lowest, highest, end - 1};
  std::sort(chosen.begin(), chosen.end());
  const auto past = std::unique(chosen.begin(), chosen.end());
  for (auto it = chosen.begin(); it != past; ++it) kept.push_back(points[*it]);
}

}  // namespace

std::vector<PlotPoint> thin_points(const std::vector<PlotPoint>& points, double column) {
  std::vector<PlotPoint> kept;
  for (std::size_t begin = 0, end = 0; begin < points.size(); begin = end) {
    const double number = std::floor(points[begin].x / column);
    while (end < points.size() && std::floor(points[end].x / column) == number) ++end;
    keep_column(points, begin, end, kept);
  }
  return kept;
}

}  // namespace dfa
