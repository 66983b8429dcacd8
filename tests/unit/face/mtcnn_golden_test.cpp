// mtcnn-reference against facenet-pytorch 2.6.0: the faces of six pictures, the counts of every stage, the tensors of
// every stage.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "face/detector.hpp"
#include "face/mtcnn_cascade.hpp"
#include "support/close.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/preprocess/test_picture.hpp"

namespace dfa {
namespace {

using nlohmann::json;

// Another convolution kernel moves boxes by 2e-4 px with equal counts. `tiny` has a face at a tie, where doubles differ
// by 1.3 px.
constexpr double kBoxPx = 1e-2;
constexpr double kTinyBoxPx = 1.5;
constexpr double kProbability = 1e-4;
// f32 sums in another order; correction and points are in window sizes.
constexpr test::Tolerance kTensor = {.absolute = 2e-5};
// After suppression counts may differ by ties at an overlap of exactly one half: the package in f64 differs from itself
// by up to 2.
constexpr long kTies = 3;

const json& golden() {
  static const json parsed = [] {
    const auto text = read_text_file(test::shared_path("oracle/mtcnn/golden.json"), 1 << 20);
    return json::parse(text.value_or("{}"));
  }();
  return parsed;
}

mtcnn::PictureSource source_of(const Picture& picture) {
  return {picture.rgb.data(), picture.view().stride, picture.width, picture.height, 0};
}

class Mtcnn : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { DFA_REQUIRE_SHARED(); }
  const json& expected() const { return golden().at("pictures").at(GetParam()); }
  Picture picture() const {
    return test::read_test_picture(test::shared_path(std::string("oracle/mtcnn/") + GetParam()));
  }
};

TEST_P(Mtcnn, FacesAgree) {
  auto detector = make_detector("mtcnn-reference", {});
  ASSERT_TRUE(detector) << detector.error().message;
  const Picture frame = picture();
  const auto faces = (*detector)->detect(frame.view());
  ASSERT_TRUE(faces) << faces.error().message;
  const json& wanted = expected().at("faces");
  ASSERT_EQ(faces->size(), wanted.size());
  const double tolerance = GetParam() == std::string("tiny.png") ? kTinyBoxPx : kBoxPx;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Face& face = (*faces)[i];
    const auto box = wanted[i].at("box").get<std::vector<double>>();
    const std::vector<double> got = {face.box_px.x1, face.box_px.y1, face.box_px.x2, face.box_px.y2};
    EXPECT_TRUE(test::expect_close(got, box, {.absolute = tolerance})) << "face " << i;
    EXPECT_NEAR(face.probability, wanted[i].at("prob").get<double>(), kProbability) << "face " << i;
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(face.landmarks_px[k].x, wanted[i].at("points").at(k).at(0).get<double>(), tolerance)
          << i << " point " << k;
      EXPECT_NEAR(face.landmarks_px[k].y, wanted[i].at("points").at(k).at(1).get<double>(), tolerance)
          << i << " point " << k;
    }
  }
}

TEST_P(Mtcnn, CountsOfTheStagesAgree) {
  auto cascade = MtcnnCascade::create(2, nullptr);
  ASSERT_TRUE(cascade) << cascade.error().message;
  const Picture frame = picture();
  cascade->run(source_of(frame), 20);
  const json& levels = expected().at("scales");
  ASSERT_EQ(cascade->pyramid().size(), levels.size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const PyramidLevel& level = cascade->pyramid()[i];
    EXPECT_EQ(level.scale, levels[i].at("scale").get<double>());
    EXPECT_EQ(level.size.width, levels[i].at("width").get<int>());
    EXPECT_EQ(level.size.height, levels[i].at("height").get<int>());
    EXPECT_EQ(mtcnn::proposal_map_size(level.size.width), levels[i].at("map_width").get<int>());
    EXPECT_EQ(mtcnn::proposal_map_size(level.size.height), levels[i].at("map_height").get<int>());
    EXPECT_EQ(cascade->proposals()[i].size(), levels[i].at("candidates").get<std::size_t>()) << "level " << i;
  }
  const CascadeCounts& got = cascade->counts();
  const json& want = expected().at("counts");
  const auto count = [&](const char* name) { return want.value(name, 0L); };
  EXPECT_EQ(got.cells, count("pnet_candidates"));
  EXPECT_NEAR(static_cast<double>(got.after_each_size), static_cast<double>(count("pnet_after_nms_per_scale")), kTies);
  EXPECT_NEAR(static_cast<double>(got.after_all_sizes), static_cast<double>(count("rnet_in")), kTies);
  EXPECT_NEAR(static_cast<double>(got.refined), static_cast<double>(count("rnet_passed")), kTies);
  EXPECT_NEAR(static_cast<double>(got.after_refining), static_cast<double>(count("onet_in")), kTies);
  EXPECT_NEAR(static_cast<double>(got.located), static_cast<double>(count("onet_passed")), kTies);
  EXPECT_EQ(got.faces, count("final"));
  RecordProperty("counts", fmt::format("{} {} {} {} {} {} {}", got.cells, got.after_each_size, got.after_all_sizes,
                                       got.refined, got.after_refining, got.located, got.faces));
}

INSTANTIATE_TEST_SUITE_P(Goldens, Mtcnn,
                         testing::Values("three.png", "border.png", "none.png", "gray.png", "tiny.png", "odd.png"),
                         [](const auto& p) { return std::string(p.param).substr(0, std::string(p.param).find('.')); });

std::vector<float> tensor(const TensorFile& file, const std::string& name) {
  const auto found = file.tensors.find(name);
  EXPECT_NE(found, file.tensors.end()) << name;
  return found == file.tensors.end() ? std::vector<float>{} : found->second.to_f32().value();
}

void append(std::vector<float>& values, const FloatWindow& w) {
  values.insert(values.end(), {w.x1, w.y1, w.x2, w.y2, w.score});
}

struct StageGolden : testing::Test {
  void SetUp() override {
    DFA_REQUIRE_SHARED();
    auto read = read_safetensors(test::shared_path("oracle/mtcnn/stages.safetensors"));
    ASSERT_TRUE(read) << read.error().message;
    file = *std::move(read);
    picture = test::read_test_picture(test::shared_path("oracle/mtcnn/border.png"));
    auto made = mtcnn::Networks::create(2);
    ASSERT_TRUE(made) << made.error().message;
    networks = *std::move(made);
  }
  TensorFile file;
  Picture picture;
  std::unique_ptr<mtcnn::Networks> networks;
};

// P-Net's whole map at the fifth size: a threshold of 0 proposes every place.
TEST_F(StageGolden, ProposalMap) {
  std::vector<std::vector<mtcnn::Proposal>> found;
  const mtcnn::ScaledSize sizes[] = {{73, 55}};
  networks->propose(source_of(picture), sizes, 0.0f, found);
  ASSERT_EQ(found.size(), 1u);
  constexpr std::size_t kCells = 32 * 23;
  ASSERT_EQ(found[0].size(), kCells);
  std::vector<float> score, correction(4 * kCells);
  for (std::size_t i = 0; i < kCells; ++i) {
    EXPECT_EQ(found[0][i].x, static_cast<int>(i % 32));
    EXPECT_EQ(found[0][i].y, static_cast<int>(i / 32));
    score.push_back(found[0][i].score);
    for (std::size_t k = 0; k < 4; ++k) correction[k * kCells + i] = found[0][i].correction[k];
  }
  const std::vector<float> both = tensor(file, "pnet.prob");
  EXPECT_TRUE(test::expect_close(score, std::vector<float>(both.begin() + kCells, both.end()), kTensor));
  EXPECT_TRUE(test::expect_close(correction, tensor(file, "pnet.reg"), kTensor));
}

// The windows go in as the package had them, so that each network is compared on its own.
TEST_F(StageGolden, WindowNetworks) {
  const struct {
    const char *windows, *net;
    bool points;
  } cases[] = {{"stage1.square", "rnet", false}, {"stage2.square", "onet", true}};
  for (const auto& c : cases) {
    const std::vector<float> boxes = tensor(file, c.windows);
    std::vector<mtcnn::Region> regions;
    for (std::size_t i = 0; i < boxes.size(); i += 5)
      regions.push_back(
          pixels_of({boxes[i], boxes[i + 1], boxes[i + 2], boxes[i + 3], 0, {}, {}}, picture.width, picture.height));
    std::vector<mtcnn::WindowScore> out(regions.size());
    if (c.points) {
      networks->locate(source_of(picture), regions, out);
    } else {
      networks->refine(source_of(picture), regions, out);
    }
    std::vector<float> prob, reg, points;
    for (const mtcnn::WindowScore& w : out) {
      prob.insert(prob.end(), {1 - w.score, w.score});
      reg.insert(reg.end(), std::begin(w.correction), std::end(w.correction));
      points.insert(points.end(), std::begin(w.points), std::end(w.points));
    }
    EXPECT_TRUE(test::expect_close(prob, tensor(file, std::string(c.net) + ".prob"), kTensor)) << c.net;
    EXPECT_TRUE(test::expect_close(reg, tensor(file, std::string(c.net) + ".reg"), kTensor)) << c.net;
    if (c.points) {
      EXPECT_TRUE(test::expect_close(points, tensor(file, "onet.points"), kTensor));
    }
  }
}

// The cascade's own windows between the stages.
TEST_F(StageGolden, Windows) {
  auto cascade = MtcnnCascade::create(1, nullptr);
  ASSERT_TRUE(cascade);
  std::vector<CascadeFace> faces = cascade->run(source_of(picture), 20);
  std::sort(faces.begin(), faces.end(),
            [](const CascadeFace& a, const CascadeFace& b) {  // the package sorts at the very end
              return (a.x2 - a.x1) * (a.y2 - a.y1) > (b.x2 - b.x1) * (b.y2 - b.y1);
            });
  const auto flat = [](const std::vector<FloatWindow>& windows) {
    std::vector<float> values;
    for (const FloatWindow& w : windows) append(values, w);
    return values;
  };
  constexpr test::Tolerance kWindow = {.absolute = kBoxPx};
  EXPECT_TRUE(test::expect_close(flat(cascade->stages().kept), tensor(file, "stage1.kept"), kWindow));
  EXPECT_TRUE(test::expect_close(flat(cascade->stages().first_square), tensor(file, "stage1.square"), kWindow));
  EXPECT_TRUE(test::expect_close(flat(cascade->stages().second_square), tensor(file, "stage2.square"), kWindow));
  EXPECT_TRUE(test::expect_close(flat(faces), tensor(file, "final.box"), kWindow));
}

}  // namespace
}  // namespace dfa
