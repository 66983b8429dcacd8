#include "geometry/geometry.hpp"

#include <algorithm>
#include <cmath>

namespace dfa {

double iou(const Box& a, const Box& b) {
  const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const double height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(width > 0 && height > 0)) return 0;
  const double shared = width * height;
  return shared / (a.area() + b.area() - shared);
}

double Similarity::scale() const {
  return std::hypot(a, b);
}

// The linear part is a scaled rotation, so its inverse is its transpose over the squared scale.
Similarity Similarity::inverse() const {
  const double squared = a * a + b * b;
  const double ia = a / squared, ib = -b / squared;
  return {ia, ib, -(ia * tx - ib * ty), -(ib * tx + ia * ty)};
}

namespace {

Point mean_of(std::span<const Point> points) {
  Point sum;
  for (const Point& p : points) sum.x += p.x, sum.y += p.y;
  const double n = static_cast<double>(points.size());
  return {sum.x / n, sum.y / n};
}

bool all_finite(std::span<const Point> points) {
  return std::all_of(points.begin(), points.end(),
                     [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
}

}  // namespace

// In the plane and without reflection, Umeyama's estimate (IEEE PAMI 13(4), 1991, eq. 40-43) has a closed form. With
// centred points p, q taken as complex numbers the factor is c = sum(conj(p) q) / sum(|p|^2): its angle is the rotation
// of the SVD form (det = +1 enforced), its modulus trace(D S) / variance.
Result<Similarity> fit_similarity(std::span<const Point> from, std::span<const Point> to) {
  if (from.size() != to.size() || from.size() < 2)
    return fail(ErrorCode::internal, "similarity from {} to {} points, expected equal counts of at least 2",
                from.size(), to.size());
  if (!all_finite(from) || !all_finite(to))
    return fail(ErrorCode::landmarks_degenerate, "a landmark is not a finite number; the face cannot be aligned");
  const Point from_mean = mean_of(from), to_mean = mean_of(to);
  double spread = 0, along = 0, across = 0, size = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double px = from[i].x - from_mean.x, py = from[i].y - from_mean.y;
    const double qx = to[i].x - to_mean.x, qy = to[i].y - to_mean.y;
    spread += px * px + py * py;
    along += px * qx + py * qy;
    across += px * qy - py * qx;
    size = std::max({size, std::abs(from[i].x), std::abs(from[i].y)});
  }
  // Points that coincide up to the rounding of their own coordinates carry no direction.
  const double rounding = 16 * size * 0x1p-52;
  if (!(spread > rounding * rounding * static_cast<double>(from.size())))
    return fail(ErrorCode::landmarks_degenerate, "all {} landmarks lie at ({:.3g}, {:.3g}); the face cannot be aligned",
                from.size(), from_mean.x, from_mean.y);
  Similarity fit;
  fit.a = along / spread;
  fit.b = across / spread;
  fit.tx = to_mean.x - (fit.a * from_mean.x - fit.b * from_mean.y);
  fit.ty = to_mean.y - (fit.b * from_mean.x + fit.a * from_mean.y);
  return fit;
}

}  // namespace dfa
