// The crops of other projects: GenD's alignment against its authors' code (shared golden), boxes against their rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "preprocess/crop.hpp"
#include "preprocess/crop_shapes.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

// OpenCV 4.12 made the golden; other versions round source coordinates in another way.
constexpr int kWarpLevels = 4;

template <class T>
std::vector<T> values(const Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

Picture as_picture(const Tensor& tensor) {
  return {static_cast<int>(tensor.shape[1]), static_cast<int>(tensor.shape[0]), values<std::uint8_t>(tensor)};
}

int largest_difference(const Picture& a, const Picture& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  int largest = 0;
  for (std::size_t i = 0; i < std::min(a.rgb.size(), b.rgb.size()); ++i)
    largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

TEST(LmedsCrop, AgreesWithTheGoldens) {
  DFA_REQUIRE_SHARED();
  const auto golden = read_safetensors(test::shared_path("oracle/gend_tiny/preprocess.safetensors"));
  ASSERT_TRUE(golden) << golden.error().message;
  const auto tensor = [&](const std::string& name) -> const Tensor& { return golden->tensors.at(name); };
  const Picture frame = as_picture(tensor("frame"));
  for (const std::string shape : {"straight", "tilted", "profile", "edge", "outlier"})
    for (const std::string size : {"own", "64"}) {
      const std::string name = "align." + shape + "." + size;
      SCOPED_TRACE(name);
      const auto points = values<float>(tensor("align." + shape + ".points"));
      Landmarks landmarks;
      for (std::size_t i = 0; i < 5; ++i) landmarks[i] = {points[2 * i], points[2 * i + 1]};
      const Picture want = as_picture(tensor(name + ".face"));
      const auto fit = fit_lmeds(landmarks, gend_template(want.width, 1.3));
      ASSERT_TRUE(fit) << fit.error().message;
      const auto matrix = values<double>(tensor(name + ".matrix"));
      // The golden's points passed through f32 in OpenCV.
      EXPECT_NEAR(fit->to_crop.a, matrix[0], 1e-5);
      EXPECT_NEAR(fit->to_crop.b, matrix[3], 1e-5);
      EXPECT_NEAR(fit->to_crop.tx, matrix[2], 1e-3);
      EXPECT_NEAR(fit->to_crop.ty, matrix[5], 1e-3);
      const auto inliers = values<std::uint8_t>(tensor(name + ".inliers"));
      for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(fit->inliers[i], inliers[i] != 0) << "point " << i;
      const auto crop = lmeds_crop(frame.view(), landmarks, 1.3, want.width);
      ASSERT_TRUE(crop) << crop.error().message;
      EXPECT_LE(largest_difference(*crop, want), kWarpLevels);
    }
}

TEST(LmedsCrop, OnePointFarOffDoesNotMoveTheRest) {
  const Landmarks to = gend_template(256, 1.3);
  Landmarks from = to;
  for (Point& p : from) p = {2 * p.x + 30, 2 * p.y - 7};
  from[2].x += 500;
  const auto fit = fit_lmeds(from, to);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->to_crop.a, 0.5, 1e-9);
  EXPECT_FALSE(fit->inliers[2]);
}

TEST(LmedsCrop, PointsInOnePlaceAreNoFace) {
  const Landmarks same = {{{5, 5}, {5, 5}, {5, 5}, {5, 5}, {5, 5}}};
  const auto fit = fit_lmeds(same, gend_template(64, 1.3));
  ASSERT_FALSE(fit);
  EXPECT_EQ(fit.error().code, ErrorCode::landmarks_degenerate);
}

// Red is x, green is y, blue tells inside from padding.
Picture coordinates(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int v : {x, y, 255}) picture.rgb.push_back(static_cast<std::uint8_t>(v));
  return picture;
}

const std::uint8_t* pixel(const Picture& picture, int x, int y) {
  return picture.view().row(y) + 3 * x;
}

TEST(BoxCrop, AQuarterMoreIsAnEighthOnEachSide) {
  const Picture frame = coordinates(200, 200);
  // 40 x 80 around (100, 100): with 1.25 it is x 75..125, y 50..150.
  const auto crop = box_crop(frame.view(), {80, 60, 120, 140}, 1.25, 100, BoxFit::stretch);
  ASSERT_TRUE(crop);
  EXPECT_EQ(pixel(*crop, 0, 0)[0], 75);
  EXPECT_EQ(pixel(*crop, 99, 0)[0], 124);
  EXPECT_EQ(pixel(*crop, 0, 0)[1], 50);
  EXPECT_EQ(pixel(*crop, 0, 99)[1], 149);
}

TEST(BoxCrop, ALetterboxKeepsTheShape) {
  const Picture frame = coordinates(200, 200);
  const auto crop = box_crop(frame.view(), {80, 60, 120, 140}, 1, 80, BoxFit::letterbox);
  ASSERT_TRUE(crop);
  EXPECT_EQ(pixel(*crop, 19, 40)[2], 0);
  EXPECT_EQ(pixel(*crop, 20, 0)[0], 80);
  EXPECT_EQ(pixel(*crop, 59, 79)[0], 119);
  EXPECT_EQ(pixel(*crop, 59, 79)[1], 139);
  EXPECT_EQ(pixel(*crop, 60, 40)[2], 0);
}

TEST(BoxCrop, IsCutAtTheBorderAndRefusedBeyondIt) {
  const Picture frame = coordinates(200, 200);
  const auto crop = box_crop(frame.view(), {-40, 100, 40, 180}, 1, 40, BoxFit::stretch);
  ASSERT_TRUE(crop);
  EXPECT_LE(pixel(*crop, 0, 0)[0], 1);
  EXPECT_EQ(pixel(*crop, 20, 20)[2], 255);
  const auto outside = box_crop(frame.view(), {-90, 0, -40, 50}, 1, 40, BoxFit::stretch);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, ErrorCode::landmarks_degenerate);
  EXPECT_FALSE(box_crop(frame.view(), {0, 0, std::nan(""), 50}, 1, 40, BoxFit::letterbox));
}

TEST(MakeCrop, EveryPublishedRecipeGivesItsSize) {
  const Picture frame = coordinates(240, 200);
  const Face face{{80, 60, 140, 140}, 1, {{{95, 85}, {125, 85}, {110, 100}, {98, 115}, {122, 115}}}};
  for (const std::string_view name : crop_recipe_names()) {
    const CropRecipe recipe = *crop_recipe_by_name(name);
    const auto crop = make_crop(frame.view(), face, recipe);
    ASSERT_TRUE(crop) << name << ": " << crop.error().message;
    EXPECT_EQ(crop->width, recipe.stored_px) << name;
    EXPECT_EQ(crop->height, recipe.stored_px) << name;
  }
}

}  // namespace
}  // namespace dfa
