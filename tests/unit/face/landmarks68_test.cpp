#include "face/landmarks68.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "face/detector.hpp"
#include "face/dlib_part.hpp"
#include "media/read_picture.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

Landmarks68 numbered() {
  Landmarks68 landmarks;
  for (std::size_t i = 0; i < landmarks.points.size(); ++i)
    landmarks.points[i] = {static_cast<double>(i), 100.0 + static_cast<double>(i)};
  return landmarks;
}

TEST(Landmarks68, MirrorExchangesLeftAndRight) {
  const Landmarks68 mirror = mirrored(numbered(), 200);
  for (const auto& [left, right] : {std::pair{0u, 16u},
                                    {17u, 26u},
                                    {31u, 35u},
                                    {36u, 45u},
                                    {37u, 44u},
                                    {41u, 46u},
                                    {48u, 54u},
                                    {59u, 55u},
                                    {60u, 64u},
                                    {67u, 65u},
                                    {8u, 8u},
                                    {30u, 30u},
                                    {57u, 57u}}) {
    EXPECT_EQ(mirror.points[left].x, 199.0 - right);
    EXPECT_EQ(mirror.points[right].x, 199.0 - left);
    EXPECT_EQ(mirror.points[left].y, 100.0 + right);
  }
}

TEST(Landmarks68, FiveAreDeepfakeBenchs) {
  const auto five = five_of_68(numbered());
  EXPECT_EQ(five[0].x, 37);
  EXPECT_EQ(five[1].x, 44);
  EXPECT_EQ(five[2].x, 30);
  EXPECT_EQ(five[3].x, 49);
  EXPECT_EQ(five[4].x, 55);
}

TEST(Landmarks68, FinderByUnknownNameIsRefused) {
  EXPECT_EQ(make_landmark_finder("none").error().code, ErrorCode::usage);
}

TEST(Dlib, WithoutItTheNextStepIsNamed) {
  if (dlib_part() == DlibPart::present) GTEST_SKIP() << "this build has dlib";
  for (const Error& error : {make_detector("dlib", {}).error(), make_landmark_finder("dlib").error()}) {
    EXPECT_EQ(error.code, ErrorCode::usage);
    EXPECT_NE(error.message.find("-DDFA_DLIB=ON"), std::string::npos);
  }
}

// Against the independent detector: MTCNN's five points lie where the 68 say that eyes, nose and mouth are.
TEST(Dlib, FindsTheFacesThatMtcnnFindsAndThePointsAgree) {
  if (dlib_part() == DlibPart::absent) GTEST_SKIP() << "this build has no dlib";
  const auto dlib = make_detector("dlib", {}).value(), mtcnn = make_detector("mtcnn", {}).value();
  const auto finder = make_landmark_finder("dlib").value();
  EXPECT_EQ(finder->model_sha256(), dlib->weights_sha256());
  EXPECT_EQ(finder->model_sha256().size(), 64u);
  for (const char* name : {"astronaut.png", "grace_hopper.jpg"}) {
    const Picture picture = read_picture(test::source_path("samples") / name, {}).value();
    const auto faces = dlib->detect(picture.view()).value(), others = mtcnn->detect(picture.view()).value();
    // The face comes first; smaller false alarms follow (a patch on the astronaut's suit), nearer to the decision
    // plane.
    ASSERT_GE(faces.size(), 1u) << name;
    for (std::size_t i = 1; i < faces.size(); ++i) EXPECT_LT(faces[i].probability, faces[0].probability - 0.02);
    ASSERT_GE(others.size(), 1u);
    EXPECT_GT(iou(faces[0].box_px, others[0].box_px), 0.4);
    EXPECT_GE(faces[0].probability, 0.95);
    EXPECT_LT(faces[0].probability, 1);
    const Landmarks68 points = finder->find(picture.view(), faces[0].box_px).value();
    EXPECT_EQ(five_of_68(points)[2].x, faces[0].landmarks_px[2].x);
    const double eyes = eye_distance(points);
    const auto mean = [&points](std::size_t from, std::size_t to) {
      Point sum;
      for (std::size_t i = from; i < to; ++i) sum.x += points.points[i].x, sum.y += points.points[i].y;
      const double n = static_cast<double>(to - from);
      return Point{sum.x / n, sum.y / n};
    };
    const Point ours[5] = {mean(36, 42), mean(42, 48), points.points[30], points.points[48], points.points[54]};
    for (std::size_t i = 0; i < 5; ++i) {
      const Point& p = others[0].landmarks_px[i];
      EXPECT_LT(std::hypot(ours[i].x - p.x, ours[i].y - p.y), 0.2 * eyes) << name << " point " << i;
    }
  }
  const Picture rocket = read_picture(test::source_path("samples/rocket.jpg"), {}).value();
  EXPECT_TRUE(dlib->detect(rocket.view()).value().empty());
  EXPECT_EQ(dlib->work().frames, 3);
}

TEST(Dlib, RefusesModelsThatAreNone) {
  if (dlib_part() == DlibPart::absent) GTEST_SKIP() << "this build has no dlib";
  EXPECT_EQ(make_landmark_finder("dlib", "/nowhere.dat").error().code, ErrorCode::file_not_found);
  EXPECT_EQ(make_landmark_finder("dlib", test::source_path("README.md")).error().code, ErrorCode::model_format);
  DetectorOptions options;
  options.upsampling = 9;
  EXPECT_EQ(make_detector("dlib", options).error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
