#include "support/close.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace dfa::test {
namespace {

using Values = std::vector<float>;
constexpr Tolerance kTenth{0.1, 0};

bool passes(const Values& got, const Values& want, Tolerance tolerance = kTenth) {
  return compare(std::span<const float>(got), std::span<const float>(want), tolerance).ok;
}

TEST(Close, AcceptsWhatIsInsideAndSaysHowMuchWasUsed) {
  const Values got{1.05f, 2.0f}, want{1.0f, 2.0f};
  const Comparison result = compare(std::span<const float>(got), std::span<const float>(want), kTenth);
  EXPECT_TRUE(result.ok);
  EXPECT_NEAR(result.worst_share, 0.5, 1e-3);
  EXPECT_EQ(result.worst_index, 0u);
}

TEST(Close, RefusesWhatIsOutside) {
  EXPECT_FALSE(passes({1.2f, 2}, {1, 2}));
  EXPECT_FALSE(passes({-1, 2}, {1, 2}));     // sign
  EXPECT_FALSE(passes({-1, -2}, {-2, -1}));  // both negative
}

TEST(Close, RefusesNaNAndInfinityOnEitherSide) {
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(passes({nan, 2}, {1, 2}));
  EXPECT_FALSE(passes({1, 2}, {nan, 2}));
  EXPECT_FALSE(passes({inf, 2}, {1, 2}));
  EXPECT_FALSE(passes({inf, 2}, {inf, 2}));
  EXPECT_FALSE(passes({1, 2}, {1, 2}, {std::nan(""), 0}));
}

TEST(Close, RefusesVacuousComparisons) {
  EXPECT_FALSE(passes({}, {}));
  EXPECT_FALSE(passes({1}, {1, 2}));
  EXPECT_FALSE(passes({0, 0}, {0, 0}));
  const Values zeros{0, 0};
  EXPECT_TRUE(
      compare(std::span<const float>(zeros), std::span<const float>(zeros), {}, Expectation::may_be_constant).ok);
}

}  // namespace
}  // namespace dfa::test
