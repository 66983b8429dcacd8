// Points, boxes and similarity transforms in pixels of the original frame. Pixel centres lie at whole numbers.
#pragma once

#include <array>
#include <span>

#include "base/result.hpp"

namespace dfa {

struct Point {
  double x = 0;
  double y = 0;
};

// Corners, x1 < x2; may lie outside the picture.
struct Box {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  double width() const { return x2 - x1; }
  double height() const { return y2 - y1; }
  double shorter_side() const { return width() < height() ? width() : height(); }
  double area() const { return width() * height(); }
};

// Intersection over union, 0 when they do not meet.
double iou(const Box& a, const Box& b);

// x' = a x - b y + tx, y' = b x + a y + ty.
struct Similarity {
  double a = 1, b = 0, tx = 0, ty = 0;
  Point apply(Point p) const { return {a * p.x - b * p.y + tx, b * p.x + a * p.y + ty}; }
  double scale() const;
  Similarity inverse() const;
};

// Least squares (Umeyama, with scale) from `from` to `to`, in doubles. Errors: landmarks_degenerate when all points
// coincide.
Result<Similarity> fit_similarity(std::span<const Point> from, std::span<const Point> to);

}  // namespace dfa
