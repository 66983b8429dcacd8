#include "model/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/golden.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

const std::vector<Precision> kBoth = {Precision::ref, Precision::f32};

Model proven_model() {
  Model model = test::small_model();
  model.golden = make_golden(model, synthetic_crops(10, 40), 10, Dtype::f32).value();  // more than one batch
  return model;
}

// A golden file of the oracle's form, from the ref engine.
TensorFile golden_file(const Model& model) {
  const auto images = hash_images(model.config, 3);
  const auto network = make_network(model.config, model.weights, {.precision = Precision::ref}).value();
  const auto output = run_network(*network, images, 3).value();
  TensorFile file;
  file.tensors["images"] = Tensor::from_f32({3, 3, 32, 32}, images);
  file.tensors["eval.logits"] = Tensor::from_f32({3, 2}, output.logits);
  file.tensors["eval.feature"] = Tensor::from_f32({3, 12}, output.feature);
  file.metadata = {{"image", "32"}, {"heads", "2"}, {"stages", "[[0, 0], [1, 2]]"}, {"batch", "3"}};
  return file;
}

TEST(CompareValues, CannotPassByAccident) {
  const auto compare = [](std::vector<float> got, std::vector<float> want) {
    return compare_values("e", "g", got, want, 1e-3);
  };
  EXPECT_TRUE(compare({1, 2}, {1, 2.0005f}).ok());
  EXPECT_FALSE(compare({1, 2}, {1, 2.01f}).ok());
  EXPECT_FALSE(compare({-1, 2}, {-2, 2}).ok());
  EXPECT_FALSE(compare({NAN, 2}, {1, 2}).ok());
  EXPECT_FALSE(compare({1, 2}, {NAN, 2}).ok());
  EXPECT_FALSE(compare({NAN, 2}, {NAN, 2}).ok());
  EXPECT_FALSE(compare({1, NAN, 2}, {1, 1.5f, 2}).ok());
  EXPECT_FALSE(compare({INFINITY, 2}, {INFINITY, 2}).ok());
  EXPECT_FALSE(compare({}, {}).ok());
  EXPECT_FALSE(compare({1}, {1, 2}).ok());
  EXPECT_FALSE(compare({0, 0}, {0, 0}).ok());
  EXPECT_TRUE(compare({7}, {7}).ok());
  EXPECT_FALSE(VerifyReport{}.ok());
}

TEST(CompareValues, DifferencesAreRelativeAboveOne) {
  const VerifiedGroup group =
      compare_values("e", "g", std::vector<float>{200, 0.5f}, std::vector<float>{100, 0.25f}, 1);
  EXPECT_DOUBLE_EQ(group.largest, 1.0);
  EXPECT_DOUBLE_EQ(group.largest_absolute, 100.0);
}

TEST(VerifyModel, PassesForAFileThatItsEnginesReproduce) {
  const auto report = verify_model(proven_model(), kBoth).value();
  ASSERT_EQ(report.groups.size(), 2u);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.groups[0].engine, "ref");
  EXPECT_EQ(report.groups[0].values, 20u);
  EXPECT_EQ(report.groups[0].largest, 0);  // the same program and weights
  EXPECT_EQ(report.groups[1].engine, "f32");
}

TEST(VerifyModel, FailsWhenAWeightChanged) {
  Model model = proven_model();
  auto bias = model.weights.at("head.1.bias").to_f32().value();
  bias[1] += 0.001f;
  model.weights["head.1.bias"] = Tensor::from_f32({2}, bias);
  const auto report = verify_model(model, kBoth).value();
  EXPECT_FALSE(report.ok());
  EXPECT_NEAR(report.groups[0].largest_absolute, 0.001, 1e-5);
}

TEST(VerifyModel, NothingToCompareIsAFailure) {
  const auto report = verify_model(test::small_model(), {Precision::ref}).value();
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.groups.at(0).problem, HasSubstr("carries no golden vectors"));
  EXPECT_EQ(verify_model(proven_model(), {}).error().code, ErrorCode::usage);
  EXPECT_EQ(verify_model(test::small_backbone(), kBoth).error().code, ErrorCode::model_incompatible);
}

TEST(VerifyGolden, ComparesLogitsAndFeature) {
  const Model model = test::small_model();
  const auto report = verify_against_golden(model, golden_file(model), kBoth).value();
  ASSERT_EQ(report.groups.size(), 4u);
  EXPECT_TRUE(report.ok());
  EXPECT_TRUE(report.notes.empty());
  EXPECT_EQ(report.groups[1].group, "eval.feature");
  EXPECT_EQ(report.groups[1].values, 36u);
}

TEST(VerifyGolden, MissingGroupsFail) {
  const Model model = test::small_model();
  for (const char* name : {"eval.logits", "eval.feature"}) {
    TensorFile golden = golden_file(model);
    golden.tensors.erase(name);
    const auto report = verify_against_golden(model, golden, {Precision::ref}).value();
    EXPECT_FALSE(report.ok());
    EXPECT_EQ(report.groups[name == std::string("eval.logits") ? 0 : 1].problem, "not in the golden file");
  }
  TensorFile golden = golden_file(model);
  golden.tensors["eval.logits"] = Tensor::from_i64({3, 2}, std::vector<std::int64_t>(6));
  EXPECT_FALSE(verify_against_golden(model, golden, {Precision::ref})->ok());
  golden.tensors["eval.logits"] = Tensor::from_f32({2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_FALSE(verify_against_golden(model, golden, {Precision::ref})->ok());
}

TEST(VerifyGolden, ImagesMustFit) {
  const Model model = test::small_model();
  TensorFile golden = golden_file(model);
  golden.tensors["images"] = Tensor::from_f32({1, 3, 16, 16}, std::vector<float>(768));
  EXPECT_THAT(verify_against_golden(model, golden, kBoth).error().message,
              HasSubstr("golden images are 1x3x16x16, expected Nx3x32x32"));
  golden.tensors.erase("images");
  EXPECT_THAT(verify_against_golden(model, golden, kBoth).error().message, HasSubstr("holds no tensor images"));
}

TEST(VerifyGolden, ContradictionsAreNamed) {
  Model model = test::small_model();
  const TensorFile golden = golden_file(model);
  model.config.heads = 3;
  const auto report = verify_against_golden(model, golden, {Precision::ref}).value();
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.notes,
              testing::ElementsAre("the golden file was made with heads = 2, the model has another value"));
}

}  // namespace
}  // namespace dfa
