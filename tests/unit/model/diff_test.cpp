#include "model/diff.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

TEST(Diff, EqualModelsAreIdentical) {
  const ModelDiff diff = diff_models(test::small_model(), test::small_model());
  EXPECT_TRUE(diff.identical());
  EXPECT_EQ(diff.equal_tensors, test::small_model().weights.size());
}

TEST(Diff, FindsEveryKindOfDifference) {
  const Model a = test::small_model();
  Model b = a;
  b.name = "other";
  b.training.clear();
  auto bias = a.weights.at("norm.bias").to_f32().value();
  bias[3] += 0.5f;
  b.weights["norm.bias"] = Tensor::from_f32({12}, bias);
  b.weights["norm.weight"] = convert_floats(a.weights.at("norm.weight"), Dtype::f16);
  b.weights["cls_token"] = Tensor::from_f32({12}, std::vector<float>(12));
  b.weights["head.0.num_batches_tracked"] = Tensor::from_i64({}, std::vector<std::int64_t>{1});
  b.weights.erase("level_embed");
  b.weights["more"] = Tensor::from_f32({1}, std::vector<float>(1));
  const ModelDiff diff = diff_models(a, b);
  ASSERT_EQ(diff.metadata.size(), 2u);
  EXPECT_EQ(diff.metadata[0].key, "dfa.name");
  EXPECT_EQ(diff.metadata[0].a, "small");
  EXPECT_EQ(diff.metadata[0].b, "other");
  EXPECT_EQ(diff.metadata[1].b, std::nullopt);
  EXPECT_EQ(diff.only_in_a, std::vector<std::string>{"level_embed"});
  EXPECT_EQ(diff.only_in_b, std::vector<std::string>{"more"});
  ASSERT_EQ(diff.tensors.size(), 4u);
  EXPECT_EQ(diff.tensors[0].kind, "shape 1x1x12 against 12");
  EXPECT_EQ(diff.tensors[0].largest, std::nullopt);
  EXPECT_EQ(diff.tensors[1].name, "head.0.num_batches_tracked");
  EXPECT_EQ(diff.tensors[1].largest, 1.0);
  EXPECT_EQ(diff.tensors[2].name, "norm.bias");
  EXPECT_NEAR(*diff.tensors[2].largest, 0.5, 1e-6);
  EXPECT_EQ(diff.tensors[3].kind, "type F32 against F16");
  EXPECT_LT(*diff.tensors[3].largest, 1e-3);
}

TEST(Diff, NaNIsADifference) {
  const Model a = test::small_model();
  Model b = a;
  std::vector<float> values(12, 0);
  values[0] = NAN;
  b.weights["norm.bias"] = Tensor::from_f32({12}, values);
  const ModelDiff diff = diff_models(a, b);
  ASSERT_EQ(diff.tensors.size(), 1u);
  EXPECT_TRUE(std::isnan(*diff.tensors[0].largest));
  EXPECT_EQ(diff_models(b, b).tensors.size(), 1u);
}

TEST(Diff, GoldenVectorsCount) {
  Model a = test::small_model();
  a.golden = GoldenVectors{.count = 1, .side = 1, .crops = {1, 2, 3}, .logits = {1, 2}};
  Model b = a;
  b.golden->crops[2] = 9;
  const ModelDiff diff = diff_models(a, b);
  ASSERT_EQ(diff.tensors.size(), 1u);
  EXPECT_EQ(diff.tensors[0].name, "golden.crops");
  EXPECT_EQ(diff.tensors[0].largest, 6.0);
  EXPECT_EQ(diff_models(a, test::small_model()).only_in_a.size(), 2u);
}

}  // namespace
}  // namespace dfa
