#include "face/detector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "face/judge_face.hpp"
#include "support/shared.hpp"
#include "unit/preprocess/test_picture.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

Picture plain(int width, int height) {
  return {width, height,
          std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 120)};
}

TEST(MakeDetector, KnowsItsNames) {
  for (const char* name : {"mtcnn", "mtcnn-reference"}) {
    const auto detector = make_detector(name, {});
    ASSERT_TRUE(detector) << detector.error().message;
    EXPECT_EQ((*detector)->name(), name);
    EXPECT_EQ((*detector)->weights_sha256().size(), 64u);
  }
  const auto unknown = make_detector("yunet", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::usage);
  EXPECT_THAT(unknown.error().message, HasSubstr("mtcnn, mtcnn-reference, dlib"));
  const auto small = make_detector("mtcnn", {.min_face_px = 11});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::usage);
}

TEST(Detector, PicturesOfAnySizeHaveNoFaceOrOne) {
  for (const char* name : {"mtcnn", "mtcnn-reference"}) {
    const auto detector = make_detector(name, {.threads = 2});
    ASSERT_TRUE(detector);
    for (const auto& [width, height] : {std::pair{1, 1}, {19, 400}, {20, 20}, {21, 20}, {3, 2000}, {257, 41}}) {
      const Picture picture = plain(width, height);
      const auto faces = (*detector)->detect(picture.view());
      ASSERT_TRUE(faces) << width << "x" << height;
      EXPECT_TRUE(faces->empty()) << width << "x" << height;
    }
    EXPECT_EQ((*detector)->work().frames, 6);
    EXPECT_FALSE((*detector)->detect({}));
  }
}

// Same faces whatever the number of threads, and whatever was detected before: buffers hold no memory of it.
TEST(Detector, ThreadsAndHistoryDoNotMatter) {
  DFA_REQUIRE_SHARED();
  const Picture three = test::read_test_picture(test::shared_path("oracle/mtcnn/three.png"));
  const Picture odd = test::read_test_picture(test::shared_path("oracle/mtcnn/odd.png"));
  std::vector<std::vector<Face>> found;
  for (const int threads : {1, 2, 3}) {
    const auto detector = make_detector("mtcnn", {.threads = threads});
    ASSERT_TRUE(detector);
    found.push_back((*detector)->detect(three.view()).value());
    ASSERT_TRUE((*detector)->detect(odd.view()));
    found.push_back((*detector)->detect(three.view()).value());
  }
  for (const std::vector<Face>& faces : found) {
    ASSERT_EQ(faces.size(), 3u);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      EXPECT_EQ(faces[i].box_px.x1, found[0][i].box_px.x1);
      EXPECT_EQ(faces[i].box_px.y2, found[0][i].box_px.y2);
      EXPECT_EQ(faces[i].probability, found[0][i].probability);
      EXPECT_EQ(faces[i].landmarks_px[4].x, found[0][i].landmarks_px[4].x);
    }
  }
}

// The border of zeros is what finds the fifth face of this picture, cut by its edge; boxes are those of the frame.
TEST(Detector, TheDefaultFindsFacesCutByTheBorder) {
  DFA_REQUIRE_SHARED();
  const Picture picture = test::read_test_picture(test::shared_path("oracle/mtcnn/border.png"));
  const auto reference = make_detector("mtcnn-reference", {.min_face_px = 40});
  const auto standard = make_detector("mtcnn", {});
  ASSERT_TRUE(reference);
  ASSERT_TRUE(standard);
  const auto without = (*reference)->detect(picture.view()).value(), with = (*standard)->detect(picture.view()).value();
  const auto usable = [](const Face& face) { return judge_face(face, {}) == FaceUse::usable; };
  EXPECT_EQ(std::count_if(without.begin(), without.end(), usable), 4);
  EXPECT_EQ(std::count_if(with.begin(), with.end(), usable), 5);
  // Faces well inside stay where they were.
  int matched = 0;
  for (const Face& face : without)
    for (const Face& other : with) matched += iou(face.box_px, other.box_px) > 0.6;
  EXPECT_GE(matched, 3);
  for (const Face& face : with) EXPECT_GT(face.probability, 0.7);
  for (std::size_t i = 1; i < with.size(); ++i) EXPECT_GE(with[i - 1].box_px.area(), with[i].box_px.area());
}

// A view into a larger picture: rows are `stride` apart.
TEST(Detector, FollowsTheStride) {
  DFA_REQUIRE_SHARED();
  const Picture picture = test::read_test_picture(test::shared_path("oracle/mtcnn/three.png"));
  const int x = 40, y = 50, width = 300, height = 250;
  Picture cut{width, height, {}};
  for (int row = y; row < y + height; ++row) {
    const std::uint8_t* const begin = picture.view().row(row) + 3 * x;
    cut.rgb.insert(cut.rgb.end(), begin, begin + 3 * width);
  }
  const auto detector = make_detector("mtcnn", {});
  const auto whole = (*detector)->detect(cut.view()).value();
  const auto view = (*detector)->detect({width, height, picture.view().stride, picture.view().row(y) + 3 * x}).value();
  ASSERT_FALSE(whole.empty());
  ASSERT_EQ(view.size(), whole.size());
  EXPECT_EQ(view[0].box_px.x1, whole[0].box_px.x1);
}

}  // namespace
}  // namespace dfa
