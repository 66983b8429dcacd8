#include "media/frame_selection.hpp"

#include <gmock/gmock.h>

#include <numeric>

namespace dfa {
namespace {

using testing::ElementsAre;
using Indices = std::vector<std::int64_t>;

TEST(EvenFrames, FixturesOfTheRule) {
  EXPECT_THAT(even_frame_indices(32, 8), ElementsAre(0, 4, 8, 13, 17, 22, 26, 31));
  EXPECT_THAT(even_frame_indices(300, 32),
              ElementsAre(0, 9, 19, 28, 38, 48, 57, 67, 77, 86, 96, 106, 115, 125, 135, 144, 154, 163, 173, 183, 192,
                          202, 212, 221, 231, 241, 250, 260, 270, 279, 289, 299));
}

// The double form is the rule where it differs from exact integers: n = 28, N = 100, k = 55 gives 14, exactly it
// were 15.
TEST(EvenFrames, DoublesAreTheRule) {
  Indices with_repeats;
  for (int k = 0; k < 99; ++k) with_repeats.push_back(static_cast<std::int64_t>(k * (27.0 / 99)));
  EXPECT_EQ(with_repeats[55], 14);
  // Each frame once: all 28 are there whatever falls where.
  Indices all(28);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(even_frame_indices(28, 100), all);
}

TEST(EvenFrames, FewerFramesThanWantedComeOnceEach) {
  Indices all(10);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(even_frame_indices(10, 32), all);
}

TEST(EvenFrames, Ends) {
  EXPECT_THAT(even_frame_indices(300, 1), ElementsAre(0));
  EXPECT_THAT(even_frame_indices(300, 2), ElementsAre(0, 299));
  EXPECT_THAT(even_frame_indices(1, 32), ElementsAre(0));
  EXPECT_TRUE(even_frame_indices(0, 32).empty());
  EXPECT_TRUE(even_frame_indices(300, 0).empty());
}

// For the counts in use the rule equals floor(k (n-1) / (N-1)) in integers, for every length.
TEST(EvenFrames, EqualsIntegersForTheCountsInUse) {
  for (const int count : {8, 10, 16, 20, 32, 110, 270})
    for (std::int64_t n = count; n < 5000; n += 7) {
      Indices exact;
      for (std::int64_t k = 0; k < count; ++k) exact.push_back(k * (n - 1) / (count - 1));
      ASSERT_EQ(even_frame_indices(n, count), exact) << n << " frames, " << count << " wanted";
    }
}

double at_25(std::int64_t rank) {
  return static_cast<double>(rank) / 25;
}

TEST(RateFrames, TheFrameThatIsShown) {
  EXPECT_THAT(rate_frame_indices(100, 1, 4.0, at_25), ElementsAre(0, 25, 50, 75));
  EXPECT_THAT(rate_frame_indices(100, 10, 0.5, at_25), ElementsAre(0, 2, 5, 7, 10));
  // A frame every two seconds, the last shown for one.
  const auto slow = [](std::int64_t rank) { return 2.0 * static_cast<double>(rank); };
  EXPECT_THAT(rate_frame_indices(3, 1, 5.0, slow), ElementsAre(0, 1, 2));
}

TEST(RateFrames, RatesAboveTheVideosGiveEachFrameOnce) {
  Indices all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(rate_frame_indices(100, 60, 4.0, at_25), all);
  EXPECT_EQ(rate_frame_indices(100, 1e300, 4.0, at_25), all);
}

TEST(RateFrames, RoundedClocksCountAsInTime) {
  // 30 frames per second on a clock of milliseconds: frame 1 starts at 0.033, frame 2 at 0.067 (exactly 0.0667).
  const auto rounded = [](std::int64_t rank) { return std::round(static_cast<double>(rank) * 1000 / 30) / 1000; };
  Indices all(90);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(rate_frame_indices(90, 30, 3.0, rounded), all);
}

TEST(WantedFrames, ListedOnesAreThoseThatAreThere) {
  const auto ask = [](Indices frames) {
    FrameSelection selection;
    selection.way = FrameSelection::Way::listed;
    selection.frames = std::move(frames);
    return wanted_frames(selection, 100, 4.0, at_25);
  };
  EXPECT_EQ(*ask({0, 7, 99, 100, 4000}), (Indices{0, 7, 99}));
  EXPECT_EQ(*ask({}), Indices{});
  EXPECT_FALSE(ask({3, 3}));
  EXPECT_FALSE(ask({-1, 3}));
}

TEST(WantedFrames, RefusesNonsense) {
  const auto ask = [](FrameSelection selection) { return wanted_frames(selection, 100, 4.0, at_25); };
  for (const auto& selection :
       {FrameSelection{FrameSelection::Way::even, 0, 0}, FrameSelection{FrameSelection::Way::even, -3, 0},
        FrameSelection{FrameSelection::Way::rate, 0, 0}, FrameSelection{FrameSelection::Way::rate, 0, -1},
        FrameSelection{FrameSelection::Way::rate, 0, std::nan("")}}) {
    const auto wanted = ask(selection);
    ASSERT_FALSE(wanted);
    EXPECT_EQ(wanted.error().code, ErrorCode::usage);
  }
  EXPECT_EQ(ask({FrameSelection::Way::every, 0, 0})->size(), 100u);
}

}  // namespace
}  // namespace dfa
