// A long curve with no more points than one can see.
#pragma once

#include <cstddef>
#include <vector>

namespace dfa {

struct PlotPoint {
  double x = 0, y = 0;
};

// Note [Thinning]
// The picture is cut into columns. Of the points that fall into one column the first, the last, the lowest and the
// highest stay, in their order: every vertical extent that the whole curve would have covered is covered, so a curve
// whose columns are as wide as a pixel looks the same. A curve of a million points has at most 4 * columns.
//
// `points`: x rising (equal allowed), in units of the picture. `column`: width in the same units, above 0.
std::vector<PlotPoint> thin_points(const std::vector<PlotPoint>& points, double column);

}  // namespace dfa
