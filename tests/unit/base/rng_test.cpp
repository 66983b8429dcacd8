#include "base/rng.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <set>

namespace dfa {
namespace {

// FNV's own published values.
TEST(Fnv1a32, PublishedVectors) {
  EXPECT_EQ(fnv1a32(""), 0x811c9dc5u);
  EXPECT_EQ(fnv1a32("a"), 0xe40c292cu);
  EXPECT_EQ(fnv1a32("foobar"), 0xbf9cf968u);
}

TEST(RngStream, SameSeedAndNameSameNumbersElseNot) {
  RngStream a(7, "augment"), b(7, "augment"), other_name(7, "sampler"), other_seed(8, "augment");
  const std::uint64_t first = a.next_u64();
  EXPECT_EQ(first, b.next_u64());
  EXPECT_NE(first, other_name.next_u64());
  EXPECT_NE(first, other_seed.next_u64());
}

TEST(RngStream, ChildrenDoNotDependOnUseOfTheParent) {
  RngStream used(7, "augment");
  used.next_u64();
  EXPECT_EQ(RngStream(7, "augment").child(3).next_u64(), used.child(3).next_u64());
  std::set<std::uint64_t> firsts;
  for (std::uint64_t i = 0; i < 1000; ++i) firsts.insert(used.child(i).next_u64());
  EXPECT_EQ(firsts.size(), 1000u);
}

TEST(RngStream, StateRestoresExactly) {
  RngStream a(7, "x");
  a.normal();
  const RngStream::State state = a.state();
  const double next = a.normal();
  RngStream b(0, "y");
  b.restore(state);
  EXPECT_EQ(b.normal(), next);
}

// Bounds: five standard errors of each moment for n samples.
TEST(RngStream, MomentsOfUniformAndNormal) {
  constexpr int kSamples = 200'000;
  RngStream rng(1, "moments");
  double mean = 0, normal_mean = 0, normal_square = 0, normal_cube = 0;
  for (int i = 0; i < kSamples; ++i) {
    mean += rng.uniform();
    const double z = rng.normal();
    normal_mean += z, normal_square += z * z, normal_cube += z * z * z;
  }
  const double root = std::sqrt(static_cast<double>(kSamples));
  EXPECT_NEAR(mean / kSamples, 0.5, 5 * std::sqrt(1.0 / 12) / root);
  EXPECT_NEAR(normal_mean / kSamples, 0, 5 / root);
  EXPECT_NEAR(normal_square / kSamples, 1, 5 * std::sqrt(2.0) / root);
  EXPECT_NEAR(normal_cube / kSamples, 0, 5 * std::sqrt(15.0) / root);
}

TEST(RngStream, BelowIsEvenAndShuffleKeepsTheValues) {
  RngStream rng(1, "below");
  std::array<int, 3> counts{};
  for (int i = 0; i < 30'000; ++i) ++counts.at(rng.below(3));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 5 * std::sqrt(30'000 * (1.0 / 3) * (2.0 / 3)));
  std::array<int, 50> values{};
  std::iota(values.begin(), values.end(), 0);
  rng.shuffle(std::span<int>(values));
  EXPECT_NE(values[0] * 50 + values[1], 1);
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 49 * 50 / 2);
}

}  // namespace
}  // namespace dfa
