#include "exchange/name_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace dfa {
namespace {

using testing::ElementsAre;

Tensor counted(std::vector<std::int64_t> shape, float first) {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return Tensor::from_f32(std::move(shape), values);
}

// A fused projection without bias for its middle part, a kernel stored the other way round, and a token of less rank.
const NameMap kMap = {{"qkv.bias", {6}, {{"q.bias", {2}}, {"", {2}}, {"v.bias", {2}}}},
                      {"conv.weight", {2, 3, 1, 2}, {{"kernel", {1, 2, 3, 2}, {3, 2, 0, 1}}}},
                      {"cls_token", {1, 1, 2}, {{"cls", {2}}}}};

TensorMap theirs() {
  return {{"q.bias", counted({2}, 1)},
          {"v.bias", counted({2}, 5)},
          {"kernel", counted({1, 2, 3, 2}, 0)},
          {"cls", counted({2}, 9)}};
}

TEST(NameMap, JoinsTurnsAndReshapes) {
  const Renamed renamed = to_ours(kMap, theirs());
  EXPECT_TRUE(renamed.report.ok()) << renamed.report.text();
  EXPECT_EQ(renamed.report.matched, 4u);
  EXPECT_THAT(renamed.tensors.at("qkv.bias").to_f32().value(), ElementsAre(1, 2, 0, 0, 5, 6));
  EXPECT_EQ(renamed.tensors.at("cls_token").shape, (std::vector<std::int64_t>{1, 1, 2}));
  // ours[o][i][y][x] = theirs[y][x][i][o]
  EXPECT_THAT(renamed.tensors.at("conv.weight").to_f32().value(), ElementsAre(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11));
}

TEST(NameMap, TheWayBackGivesTheSameBytes) {
  const auto back = to_theirs(kMap, to_ours(kMap, theirs()).tensors);
  ASSERT_TRUE(back) << back.error().message;
  const TensorMap expected = theirs();
  ASSERT_EQ(back->size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    EXPECT_EQ(back->at(name).shape, tensor.shape) << name;
    EXPECT_EQ(back->at(name).to_f32().value(), tensor.to_f32().value()) << name;
  }
}

TEST(NameMap, WhatDoesNotFitIsNamedAsTheyNameIt) {
  TensorMap tensors = theirs();
  tensors.erase("v.bias");
  tensors.insert_or_assign("kernel", counted({1, 2, 2, 3}, 0));
  tensors.emplace("text.weight", counted({2}, 0));
  const Renamed renamed = to_ours(kMap, tensors);
  EXPECT_THAT(renamed.report.missing, ElementsAre("v.bias"));
  EXPECT_THAT(renamed.report.wrong_shape, ElementsAre("kernel is F32 1x2x2x3, expected F32, F16 or BF16 1x2x3x2"));
  EXPECT_THAT(renamed.report.unexpected, ElementsAre("text.weight (F32 2)"));
  EXPECT_EQ(renamed.tensors.size(), 1u);
}

TEST(NameMap, WhatTheyCannotHoldIsNotDropped) {
  TensorMap ours = to_ours(kMap, theirs()).tensors;
  ours.insert_or_assign("qkv.bias", counted({6}, 1));
  const auto back = to_theirs(kMap, ours);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, ErrorCode::model_incompatible);
  EXPECT_NE(back.error().message.find("qkv.bias"), std::string::npos);
}

}  // namespace
}  // namespace dfa
