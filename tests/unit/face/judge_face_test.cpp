#include "face/judge_face.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace dfa {
namespace {

Face face_of(double probability, double width, double height) {
  Face face;
  face.probability = probability;
  face.box_px = {10, 20, 10 + width, 20 + height};
  return face;
}

TEST(JudgeFace, LimitsThemselvesAreUsable) {
  const FaceRules rules;
  EXPECT_EQ(judge_face(face_of(0.95, 40, 40), rules), FaceUse::usable);
  EXPECT_EQ(judge_face(face_of(0.9499, 40, 40), rules), FaceUse::low_probability);
  EXPECT_EQ(judge_face(face_of(0.95, 39.9, 200), rules), FaceUse::too_small);
  EXPECT_EQ(judge_face(face_of(0.95, 200, 39.9), rules), FaceUse::too_small);
  EXPECT_EQ(judge_face(face_of(0.5, 1, 1), rules), FaceUse::low_probability);
}

TEST(JudgeFace, FollowsItsRules) {
  EXPECT_EQ(judge_face(face_of(0.75, 25, 25), {.min_probability = 0.7, .min_side_px = 20}), FaceUse::usable);
}

TEST(JudgeFace, NotANumberIsNotUsable) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(judge_face(face_of(nan, 100, 100), {}), FaceUse::low_probability);
  EXPECT_EQ(judge_face(face_of(1, nan, 100), {}), FaceUse::too_small);
  EXPECT_EQ(judge_face(face_of(1, 100, nan), {}), FaceUse::too_small);
}

TEST(JudgeFace, HasNames) {
  EXPECT_EQ(face_use_name(FaceUse::usable), "usable");
  EXPECT_EQ(face_use_name(FaceUse::low_probability), "low_probability");
  EXPECT_EQ(face_use_name(FaceUse::too_small), "too_small");
}

}  // namespace
}  // namespace dfa
