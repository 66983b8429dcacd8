// The networks and the whole cascade against figures of facenet-pytorch 2.6.0 that are committed (tests/golden/face),
// under every instruction set of this machine.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "face/detector.hpp"
#include "nn/mtcnn/networks.hpp"
#include "support/close.hpp"
#include "support/shared.hpp"
#include "unit/face/each_target.hpp"
#include "unit/preprocess/test_picture.hpp"

namespace dfa {
namespace {

using nlohmann::json;

// f32 sums of up to 1152 terms in another order.
constexpr test::Tolerance kTensor = {.absolute = 2e-5};

const json& figures() {
  static const json parsed = [] {
    const auto text = read_text_file(test::source_path("tests/golden/face/mtcnn.json"), 1 << 20);
    return json::parse(text.value_or("{}"));
  }();
  return parsed;
}

// The generator's picture_byte().
std::uint8_t picture_byte(int x, int y, int c) {
  const std::uint32_t mixed = static_cast<std::uint32_t>(x) * 2654435761u +
                              static_cast<std::uint32_t>(y) * 2246822519u + static_cast<std::uint32_t>(c) * 3266489917u;
  const int noise = static_cast<int>((mixed * 668265263u) >> 28);
  const auto within = [&](int cx, int cy, int squared) { return (x - cx) * (x - cx) + (y - cy) * (y - cy) < squared; };
  if (within(33, 28, 9) || within(51, 28, 9)) return static_cast<std::uint8_t>(20 + noise);
  if (within(42, 35, 400)) return static_cast<std::uint8_t>(190 - 20 * c + noise);
  return static_cast<std::uint8_t>((x + 2 * y + 30 * c) % 128 + noise);
}

Picture generated_picture() {
  Picture picture{figures().at("networks").at("picture").at(0), figures().at("networks").at("picture").at(1), {}};
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < 3; ++c) picture.rgb.push_back(picture_byte(x, y, c));
  return picture;
}

mtcnn::PictureSource source_of(const Picture& picture) {
  return {picture.rgb.data(), picture.view().stride, picture.width, picture.height, 0};
}

std::vector<float> wanted(const char* name) {
  return figures().at("networks").at(name).get<std::vector<float>>();
}

void compare_map(mtcnn::Networks& networks, const Picture& picture) {
  const json& input = figures().at("networks").at("map_input");
  const mtcnn::ScaledSize sizes[] = {{input.at(0), input.at(1)}};
  std::vector<std::vector<mtcnn::Proposal>> found;
  networks.propose(source_of(picture), sizes, 0.0f, found);
  std::vector<float> score, correction;
  for (const mtcnn::Proposal& p : found.at(0)) {
    score.push_back(p.score);
    correction.insert(correction.end(), std::begin(p.correction), std::end(p.correction));
  }
  EXPECT_TRUE(test::expect_close(score, wanted("map_score"), kTensor));
  EXPECT_TRUE(test::expect_close(correction, wanted("map_correction"), kTensor));
}

struct Outputs {
  std::vector<float> score, correction, points;
};

Outputs flatten(const std::vector<mtcnn::WindowScore>& windows) {
  Outputs out;
  for (const mtcnn::WindowScore& w : windows) {
    out.score.push_back(w.score);
    out.correction.insert(out.correction.end(), std::begin(w.correction), std::end(w.correction));
    out.points.insert(out.points.end(), std::begin(w.points), std::end(w.points));
  }
  return out;
}

void compare_windows(mtcnn::Networks& networks, const Picture& picture) {
  std::vector<mtcnn::Region> regions;
  for (const json& w : figures().at("networks").at("windows")) regions.push_back({w.at(0), w.at(1), w.at(2), w.at(3)});
  std::vector<mtcnn::WindowScore> scores(regions.size());
  networks.refine(source_of(picture), regions, scores);
  const Outputs refined = flatten(scores);
  EXPECT_TRUE(test::expect_close(refined.score, wanted("r_score"), kTensor));
  EXPECT_TRUE(test::expect_close(refined.correction, wanted("r_correction"), kTensor));
  networks.locate(source_of(picture), regions, scores);
  const Outputs located = flatten(scores);
  EXPECT_TRUE(test::expect_close(located.score, wanted("o_score"), kTensor));
  EXPECT_TRUE(test::expect_close(located.correction, wanted("o_correction"), kTensor));
  EXPECT_TRUE(test::expect_close(located.points, wanted("o_points"), kTensor));
}

TEST(MtcnnFigures, NetworksAgreeOnEveryTarget) {
  const Picture picture = generated_picture();
  test::on_each_target([&] {
    const auto networks = mtcnn::Networks::create(2);
    ASSERT_TRUE(networks) << networks.error().message;
    compare_map(**networks, picture);
    compare_windows(**networks, picture);
  });
}

// A border that nobody stores gives what a stored one gives, to the bit.
TEST(MtcnnFigures, TheBorderNeedsNoCopy) {
  const Picture picture = generated_picture();
  constexpr int kBorder = 13;
  Picture stored{picture.width + 2 * kBorder, picture.height + 2 * kBorder, {}};
  stored.rgb.resize(3 * static_cast<std::size_t>(stored.width) * static_cast<std::size_t>(stored.height));
  for (int y = 0; y < picture.height; ++y)
    std::copy_n(picture.view().row(y), 3 * picture.width,
                stored.rgb.data() + 3 * ((y + kBorder) * stored.width + kBorder));
  mtcnn::PictureSource seen = source_of(picture);
  seen.border = kBorder;
  ASSERT_EQ(seen.width(), stored.width);

  const auto networks = mtcnn::Networks::create(1);
  const mtcnn::ScaledSize sizes[] = {{50, 40}, {130, 110}, {20, 17}};
  std::vector<std::vector<mtcnn::Proposal>> a, b;
  (*networks)->propose(seen, sizes, 0.0f, a);
  (*networks)->propose(source_of(stored), sizes, 0.0f, b);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(a[i].size(), b[i].size());
    for (std::size_t k = 0; k < a[i].size(); ++k) EXPECT_EQ(a[i][k].score, b[i][k].score) << i << " " << k;
  }
  // Wholly in the border, across each edge, wholly inside.
  const std::vector<mtcnn::Region> regions = {
      {0, 0, 10, 12}, {5, 5, 40, 40}, {90, 70, 26, 26}, {0, 30, 116, 20}, {20, 20, 30, 30}};
  std::vector<mtcnn::WindowScore> c(regions.size()), d(regions.size());
  (*networks)->locate(seen, regions, c);
  (*networks)->locate(source_of(stored), regions, d);
  for (std::size_t i = 0; i < regions.size(); ++i) EXPECT_EQ(c[i].score, d[i].score) << i;
}

// A part of a map is computed from the pixels below it, to the bit as in the whole map: in the middle, at every edge,
// one cell alone.
TEST(MtcnnFigures, PartsOfMapsAgreeWithTheWhole) {
  const Picture picture = generated_picture();
  mtcnn::PictureSource source = source_of(picture);
  source.border = 13;
  const auto networks = mtcnn::Networks::create(2);
  for (const mtcnn::ScaledSize size : {mtcnn::ScaledSize{50, 41}, {131, 110}, {20, 17}}) {
    const mtcnn::ScaledSize sizes[] = {size};
    const int width = mtcnn::proposal_map_size(size.width), height = mtcnn::proposal_map_size(size.height);
    std::vector<std::vector<mtcnn::Proposal>> whole, part;
    (*networks)->propose(source, sizes, 0.0f, whole);
    for (const mtcnn::MapPart& wanted : {mtcnn::MapPart{0, 1, 2, width - 1, height},
                                         {0, width / 2, 0, width, height - 1},
                                         {0, width / 2, height / 2, width / 2 + 1, height / 2 + 1}}) {
      const mtcnn::MapPart parts[] = {wanted};
      (*networks)->propose_in(source, sizes, parts, 0.0f, part);
      std::vector<mtcnn::Proposal> expected;
      for (const mtcnn::Proposal& p : whole[0])
        if (p.x >= wanted.x_begin && p.x < wanted.x_end && p.y >= wanted.y_begin && p.y < wanted.y_end)
          expected.push_back(p);
      ASSERT_EQ(part[0].size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(part[0][i].x, expected[i].x);
        EXPECT_EQ(part[0][i].y, expected[i].y);
        EXPECT_EQ(part[0][i].score, expected[i].score) << size.width << " cell " << i;
        EXPECT_EQ(part[0][i].correction[3], expected[i].correction[3]);
      }
    }
  }
}

void expect_same_faces(const std::vector<Face>& got, const std::vector<Face>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].box_px.x1, want[i].box_px.x1);
    EXPECT_EQ(got[i].box_px.y2, want[i].box_px.y2);
    EXPECT_EQ(got[i].probability, want[i].probability);
    EXPECT_EQ(got[i].landmarks_px[4].x, want[i].landmarks_px[4].x);
  }
}

// Following is the same search in fewer places: a face that moved comes out to the bit as the whole search finds it.
TEST(MtcnnFigures, AFollowedFaceIsTheOneThatASearchFinds) {
  const auto path = test::source_path("samples/astronaut.png");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "samples/astronaut.png is not there";
  const Picture picture = test::read_test_picture(path);
  const auto moved_by = [&](int x, int y) {
    return PictureView{picture.width - 60, picture.height - 60, picture.view().stride, picture.view().row(y) + 3 * x};
  };
  const auto detector = make_detector("mtcnn", {.threads = 1}).value();
  std::vector<Face> faces = detector->detect(moved_by(0, 0)).value();
  ASSERT_EQ(faces.size(), 1u);
  for (const auto& [x, y] : {std::pair{7, 5}, {25, 0}, {40, 19}, {60, 31}}) {
    faces = detector->follow(moved_by(x, y), faces).value();
    expect_same_faces(faces, detector->detect(moved_by(x, y)).value());
  }
  EXPECT_EQ(detector->work().followed, 4);
  // Too far to be seen near its place: the whole picture is searched again.
  const std::vector<Face> elsewhere = {{.box_px = {0, 300, 60, 360}, .probability = 0.99, .landmarks_px = {}}};
  expect_same_faces(detector->follow(moved_by(0, 0), elsewhere).value(), detector->detect(moved_by(0, 0)).value());
  EXPECT_EQ(detector->work().followed, 4);
  // Nothing to follow: the same.
  EXPECT_EQ(detector->follow(moved_by(0, 0), {}).value().size(), 1u);
}

TEST(MtcnnFigures, TheSampleHasItsFace) {
  const auto path = test::source_path("samples/astronaut.png");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "samples/astronaut.png is not there";
  const Picture picture = test::read_test_picture(path);
  const auto faces = make_detector("mtcnn-reference", {}).value()->detect(picture.view()).value();
  const json& golden = figures().at("astronaut").at("faces");
  ASSERT_EQ(faces.size(), golden.size());
  const auto box = golden.at(0).at("box").get<std::vector<double>>();
  EXPECT_NEAR(faces[0].box_px.x1, box[0], 1e-2);
  EXPECT_NEAR(faces[0].box_px.y2, box[3], 1e-2);
  EXPECT_NEAR(faces[0].probability, golden.at(0).at("probability").get<double>(), 1e-4);
  for (std::size_t k = 0; k < 5; ++k)
    EXPECT_NEAR(faces[0].landmarks_px[k].x, golden.at(0).at("points").at(k).at(0).get<double>(), 1e-2);
}

}  // namespace
}  // namespace dfa
