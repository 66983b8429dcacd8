#include "geometry/geometry.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.hpp"

namespace dfa {
namespace {

TEST(Iou, KnownBoxes) {
  const Box a{0, 0, 4, 2};
  EXPECT_DOUBLE_EQ(iou(a, a), 1.0);
  EXPECT_DOUBLE_EQ(iou(a, {2, 1, 6, 3}), 2.0 / 14.0);
  EXPECT_DOUBLE_EQ(iou({2, 1, 6, 3}, a), 2.0 / 14.0);
  EXPECT_DOUBLE_EQ(iou(a, {1, 0.5, 3, 1.5}), 0.25);  // inside
}

TEST(Iou, ZeroWhenTheyDoNotMeet) {
  EXPECT_EQ(iou({0, 0, 1, 1}, {1, 0, 2, 1}), 0.0);  // common edge
  EXPECT_EQ(iou({0, 0, 1, 1}, {5, 5, 6, 6}), 0.0);  // both differences negative: their product is not an area
  EXPECT_EQ(iou({0, 0, 0, 0}, {0, 0, 0, 0}), 0.0);
}

TEST(Similarity, InverseUndoes) {
  const Similarity warp{1.2, -0.7, 31.5, -4.25};
  EXPECT_DOUBLE_EQ(warp.scale(), std::hypot(1.2, 0.7));
  const Point p{17.25, -3.5};
  const Point back = warp.inverse().apply(warp.apply(p));
  EXPECT_NEAR(back.x, p.x, 1e-12);
  EXPECT_NEAR(back.y, p.y, 1e-12);
}

TEST(FitSimilarity, FindsAnExactTransform) {
  const Similarity truth{0.31, 1.7, -200, 512.5};
  const std::array<Point, 5> from = {{{38, 51}, {73, 51}, {56, 71}, {41, 92}, {70, 92}}};
  std::array<Point, 5> to;
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = truth.apply(from[i]);
  const auto fit = fit_similarity(from, to);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->a, truth.a, 1e-13);
  EXPECT_NEAR(fit->b, truth.b, 1e-13);
  EXPECT_NEAR(fit->tx, truth.tx, 1e-11);
  EXPECT_NEAR(fit->ty, truth.ty, 1e-11);
}

double squared_error(const Similarity& fit, const std::vector<Point>& from, const std::vector<Point>& to) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Point p = fit.apply(from[i]);
    sum += (p.x - to[i].x) * (p.x - to[i].x) + (p.y - to[i].y) * (p.y - to[i].y);
  }
  return sum;
}

// Least squares says: no neighbour in parameter space has a smaller error.
TEST(FitSimilarity, IsALeastSquaresMinimum) {
  RngStream random(7, "fit_similarity");
  for (int round = 0; round < 20; ++round) {
    std::vector<Point> from(5), to(5);
    for (auto* points : {&from, &to})
      for (Point& p : *points) p = {random.uniform(0, 100), random.uniform(0, 100)};
    const auto fit = fit_similarity(from, to);
    ASSERT_TRUE(fit);
    const double best = squared_error(*fit, from, to);
    for (const double step : {-1e-3, 1e-3}) {
      EXPECT_GT(squared_error({fit->a + step, fit->b, fit->tx, fit->ty}, from, to), best);
      EXPECT_GT(squared_error({fit->a, fit->b + step, fit->tx, fit->ty}, from, to), best);
      EXPECT_GT(squared_error({fit->a, fit->b, fit->tx + step, fit->ty}, from, to), best);
      EXPECT_GT(squared_error({fit->a, fit->b, fit->tx, fit->ty + step}, from, to), best);
    }
  }
}

TEST(FitSimilarity, RefusesPointsWithoutDirection) {
  const std::vector<Point> same(5, Point{123.456, 7.1}), spread = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {2, 2}};
  const auto coinciding = fit_similarity(same, spread);
  ASSERT_FALSE(coinciding);
  EXPECT_EQ(coinciding.error().code, ErrorCode::landmarks_degenerate);
  std::vector<Point> broken = spread;
  broken[2].x = std::numeric_limits<double>::quiet_NaN();
  const auto not_finite = fit_similarity(broken, spread);
  ASSERT_FALSE(not_finite);
  EXPECT_EQ(not_finite.error().code, ErrorCode::landmarks_degenerate);
  const auto unequal = fit_similarity(same, std::vector<Point>(4));
  ASSERT_FALSE(unequal);
  EXPECT_EQ(unequal.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace dfa
