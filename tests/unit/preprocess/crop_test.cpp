// Crops against those of OpenCV 5 (shared goldens), and rules that need no golden.
#include "preprocess/crop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "preprocess/crop_shapes.hpp"
#include "support/close.hpp"
#include "support/shared.hpp"
#include "unit/preprocess/test_picture.hpp"

namespace dfa {
namespace {

using nlohmann::json;

// OpenCV before 5 rounds source coordinates to 1/32 pixel; measured against 5.0: at most 4 levels, mean under 0.07.
constexpr int kAlignedLevels = 4;
constexpr double kAlignedMean = 0.07;

struct Difference {
  int largest = 0;
  double mean = 0;
};

Difference difference(const Picture& a, const Picture& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  if (a.rgb.size() != b.rgb.size() || a.rgb.empty()) return {256, 256};
  Difference d;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const int levels = std::abs(a.rgb[i] - b.rgb[i]);
    d.largest = std::max(d.largest, levels);
    d.mean += levels;
  }
  d.mean /= static_cast<double>(a.rgb.size());
  return d;
}

json read_golden() {
  const auto text = read_text_file(test::shared_path("oracle/mtcnn/golden.json"), 1 << 20);
  EXPECT_TRUE(text);
  return json::parse(text.value_or("{}"));
}

Picture read_oracle(const std::string& name) {
  return test::read_test_picture(test::shared_path("oracle/mtcnn/" + name));
}

Face golden_face(const json& golden, const json& crop) {
  const json& face = golden.at("pictures")
                         .at(crop.at("picture").get<std::string>())
                         .at("faces")
                         .at(crop.at("face").get<std::size_t>());
  Face result;
  const auto box = face.at("box").get<std::array<double, 4>>();
  result.box_px = {box[0], box[1], box[2], box[3]};
  for (std::size_t i = 0; i < 5; ++i)
    result.landmarks_px[i] = {face.at("points").at(i).at(0).get<double>(), face.at("points").at(i).at(1).get<double>()};
  return result;
}

TEST(AlignedTemplate, FollowsTheFormula) {
  const Landmarks points = aligned_template(256, 1.3);
  EXPECT_NEAR(points[0].x, 96.86962637362637, 1e-10);
  EXPECT_NEAR(points[0].y, 120.43305494505493, 1e-10);
  EXPECT_NEAR(points[4].x, 153.89872527472528, 1e-10);
  EXPECT_NEAR(points[4].y, 191.65556043956042, 1e-10);
}

TEST(AlignedCrop, AgreesWithTheGoldens) {
  DFA_REQUIRE_SHARED();
  const json golden = read_golden();
  ASSERT_EQ(golden.at("align").at("crops").size(), 4u);
  for (const json& crop : golden.at("align").at("crops")) {
    const Face face = golden_face(golden, crop);
    const auto fit = fit_similarity(face.landmarks_px, aligned_template(256, 1.3));
    ASSERT_TRUE(fit);
    const auto want = crop.at("align_matrix").get<std::array<std::array<double, 3>, 2>>();
    EXPECT_NEAR(fit->a, want[0][0], 1e-12);
    EXPECT_NEAR(fit->b, want[1][0], 1e-12);
    EXPECT_NEAR(fit->tx, want[0][2], 1e-9);
    EXPECT_NEAR(fit->ty, want[1][2], 1e-9);

    const Picture frame = read_oracle(crop.at("picture"));
    const auto got = make_crop(frame.view(), face, *crop_recipe_by_name("aligned1.3"));
    ASSERT_TRUE(got) << got.error().message;
    const Difference d = difference(*got, read_oracle(crop.at("align_file")));
    EXPECT_LE(d.largest, kAlignedLevels) << crop.at("align_file");
    EXPECT_LE(d.mean, kAlignedMean) << crop.at("align_file");
  }
}

TEST(SquareCrop, PaddedEqualsTheGoldens) {
  DFA_REQUIRE_SHARED();
  const json golden = read_golden();
  for (const json& crop : golden.at("align").at("crops")) {
    const Face face = golden_face(golden, crop);
    const Picture frame = read_oracle(crop.at("picture"));
    const auto square = face_square(frame.view(), face.box_px, 1.3, SquarePolicy::zero_pad);
    ASSERT_TRUE(square);
    const auto want = crop.at("square_box").get<std::array<int, 3>>();
    EXPECT_EQ(*square, (PixelSquare{want[0], want[1], want[2]}));
    const auto got = square_crop(frame.view(), face.box_px, 1.3, 256, SquarePolicy::zero_pad);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(difference(*got, read_oracle(crop.at("square_file"))).largest, 0) << crop.at("square_file");
  }
}

// Where the padded square lies inside the frame, both policies are one.
TEST(SquareCrop, InsideEqualsTheGoldensThatNeedNoPadding) {
  DFA_REQUIRE_SHARED();
  const json golden = read_golden();
  int compared = 0;
  for (const json& crop : golden.at("align").at("crops")) {
    const Picture frame = read_oracle(crop.at("picture"));
    const auto want = crop.at("square_box").get<std::array<int, 3>>();
    if (want[0] < 0 || want[1] < 0 || want[0] + want[2] > frame.width || want[1] + want[2] > frame.height) continue;
    const auto got = make_crop(frame.view(), golden_face(golden, crop), *crop_recipe_by_name("square1.3-inside"));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(difference(*got, read_oracle(crop.at("square_file"))).largest, 0) << crop.at("square_file");
    ++compared;
  }
  EXPECT_EQ(compared, 2);
}

Picture slope(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int v : {x, y, x + y}) picture.rgb.push_back(static_cast<std::uint8_t>(1 + v % 255));
  return picture;
}

TEST(FaceSquare, IsShiftedInside) {
  const Picture frame = slope(200, 100);
  const auto square = [&](Box box, SquarePolicy policy) { return face_square(frame.view(), box, 1.3, policy).value(); };
  EXPECT_EQ(square({-10, 20, 30, 60}, SquarePolicy::zero_pad), (PixelSquare{-16, 14, 52}));
  EXPECT_EQ(square({-10, 20, 30, 60}, SquarePolicy::inside), (PixelSquare{0, 14, 52}));
  EXPECT_EQ(square({170, 70, 210, 110}, SquarePolicy::inside), (PixelSquare{148, 48, 52}));
  EXPECT_EQ(square({20, -40, 180, 120}, SquarePolicy::inside),
            (PixelSquare{50, 0, 100}));  // no larger than the shorter side
  EXPECT_EQ(square({500, 20, 540, 60}, SquarePolicy::inside),
            (PixelSquare{148, 14, 52}));  // wholly outside: the nearest square
}

TEST(SquareCrop, InsideInventsNoPixel) {
  const Picture frame = slope(200, 100);  // holds no zero
  Face face;
  face.box_px = {-40, -40, 30, 60};
  const auto crop = make_crop(frame.view(), face, *crop_recipe_by_name("square1.3-inside"));
  ASSERT_TRUE(crop);
  EXPECT_EQ(crop->width, 256);
  EXPECT_EQ(std::count(crop->rgb.begin(), crop->rgb.end(), 0), 0);
  const auto padded = square_crop(frame.view(), face.box_px, 1.3, 256, SquarePolicy::zero_pad);
  ASSERT_TRUE(padded);
  EXPECT_GT(std::count(padded->rgb.begin(), padded->rgb.end(), 0), 3 * 256 * 50);
}

TEST(FaceSquare, RefusesWhatIsNoBox) {
  const Picture frame = slope(20, 10);
  const double nan = std::nan("");
  for (const Box& box :
       {Box{5, 5, 5, 9}, Box{9, 5, 5, 9}, Box{nan, 0, 5, 5}, Box{0, 0, 5, HUGE_VAL}, Box{-1e9, 0, 5, 5}}) {
    const auto square = face_square(frame.view(), box, 1.3, SquarePolicy::inside);
    ASSERT_FALSE(square);
    EXPECT_EQ(square.error().code, ErrorCode::landmarks_degenerate);
  }
}

TEST(AlignedCrop, RefusesDegenerateLandmarks) {
  const Picture frame = slope(20, 10);
  Face face;
  face.landmarks_px.fill({3, 3});
  const auto crop = make_crop(frame.view(), face, CropRecipe{});
  ASSERT_FALSE(crop);
  EXPECT_EQ(crop.error().code, ErrorCode::landmarks_degenerate);
}

// Only the region under the face is handed to OpenCV, whose remap ends at 32766 pixels a side.
TEST(AlignedCrop, ReadsPanoramas) {
  const Picture wide = slope(40'000, 64), narrow = slope(400, 64);
  Face face;
  const Landmarks points = {{{20, 20}, {40, 20}, {30, 30}, {22, 42}, {38, 42}}};
  face.landmarks_px = points;
  const auto near = make_crop(wide.view(), face, CropRecipe{});
  ASSERT_TRUE(near) << near.error().message;
  EXPECT_EQ(near->rgb, make_crop(narrow.view(), face, CropRecipe{})->rgb);
  for (Point& p : face.landmarks_px) p.x += 38'250;  // a multiple of the slope's period of 255
  const auto far = make_crop(wide.view(), face, CropRecipe{});
  ASSERT_TRUE(far);
  EXPECT_GT(std::count_if(far->rgb.begin(), far->rgb.end(), [](int v) { return v > 0; }), 100'000);
}

TEST(AlignedCrop, IsBlackFarOutside) {
  const Picture frame = slope(64, 64);
  Face face;
  face.landmarks_px = {{{2000, 20}, {2040, 20}, {2020, 40}, {2005, 62}, {2035, 62}}};
  const auto crop = make_crop(frame.view(), face, CropRecipe{});
  ASSERT_TRUE(crop);
  EXPECT_EQ(std::count(crop->rgb.begin(), crop->rgb.end(), 0), 3 * 256 * 256);
}

TEST(CropToTensor, NormalisesEachChannel) {
  Picture crop{2, 2, {0, 255, 128, 51, 102, 204, 0, 0, 0, 255, 255, 255}};
  CropRecipe recipe;
  recipe.mean = {0.5, 0.25, 0};
  recipe.std = {0.5, 0.25, 2};
  std::vector<float> got(12);
  ASSERT_TRUE(crop_to_tensor(crop.view(), recipe, 2, got));
  const std::vector<float> want = {-1, -0.6f, -1, 1, 3, 0.6f, -1, 3, 128 / 510.0f, 0.4f, 0, 0.5f};
  EXPECT_TRUE(test::expect_close(got, want, {.absolute = 1e-6}));
  EXPECT_EQ(crop_to_tensor(crop.view(), recipe, 3, got).error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
