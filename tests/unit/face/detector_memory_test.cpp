// A detector that has seen its largest picture asks for no more memory than its answer takes.
#include <gtest/gtest.h>

#include "face/detector.hpp"
#include "support/count_allocations.hpp"

namespace dfa {
namespace {

// Stripes give every stage candidates, more of them with another seed.
Picture striped(int width, int height, unsigned seed) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < 3 * width; ++x)
      picture.rgb.push_back(
          static_cast<std::uint8_t>(128 + 100 * ((x / 3 / 9 + y / 11 + static_cast<int>(seed)) % 2) - y % 97));
  return picture;
}

TEST(DetectorMemory, DoesNotGrowAfterTheLargestPicture) {
  const auto detector = make_detector("mtcnn", {.threads = 2, .min_face_px = 20});
  ASSERT_TRUE(detector);
  const Picture large = striped(640, 480, 1), small = striped(320, 240, 2);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE((*detector)->detect(large.view()));
    ASSERT_TRUE((*detector)->detect(small.view()));
  }
  EXPECT_GT((*detector)->work().candidates_first, 0);
  test::begin_counting_allocations();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE((*detector)->detect(large.view()));
    ASSERT_TRUE((*detector)->detect(small.view()));
  }
  // Ten answers and their sorting; one buffer of a stage would be megabytes in ten pictures.
  constexpr std::size_t kAnswers = 10 * 2048;
  EXPECT_LE(test::end_counting_allocations().our_bytes, kAnswers);
}

}  // namespace
}  // namespace dfa
