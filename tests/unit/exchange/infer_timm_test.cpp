#include "exchange/infer_timm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/load_report.hpp"
#include "nn/network.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A trunk of 3 x 3 patches under timm's names.
TensorMap trunk(const NetworkConfig& config) {
  TensorMap tensors = hash_weights(config);
  std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("head."); });
  return tensors;
}

NetworkConfig plain() {
  NetworkConfig config;
  config.image = 12;
  config.patch = 4;
  config.dim = 64;
  config.depth = 1;
  config.heads = 1;
  config.mlp = 24;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  return config;
}

void zero_class_position(TensorMap& tensors) {
  std::vector<float> positions = *tensors.at("pos_embed").to_f32();
  std::fill_n(positions.begin(), 64, 0.0F);
  tensors["pos_embed"] = Tensor::from_f32({1, 10, 64}, positions);
}

// MAE's encoder is published alone, too; what tells it apart then are its fixed positions, below `model`.
TEST(InferTimm, MaesEncoderIsKnownByItsPositions) {
  TensorMap tensors = trunk(plain());
  EXPECT_EQ(timm_family(tensors, false), TimmFamily::timm);
  zero_class_position(tensors);
  EXPECT_EQ(timm_family(tensors, false), TimmFamily::mae);
  EXPECT_EQ(timm_family(tensors, true), TimmFamily::timm)
      << "timm's copy of it lies bare, and is resampled as timm does";
  EXPECT_EQ(infer_timm(tensors, TimmFamily::mae, {})->rule, PositionRule::bicubic);
  EXPECT_EQ(infer_timm(tensors, TimmFamily::timm, {})->rule, PositionRule::bicubic_antialias);
}

TEST(InferTimm, ClipIsKnownByTheNormInFront) {
  NetworkConfig config = plain();
  config.pre_norm = true;
  config.patch_bias = false;
  const auto inferred = infer_timm(trunk(config), TimmFamily::timm, {});
  ASSERT_TRUE(inferred) << inferred.error().message;
  EXPECT_EQ(inferred->config.activation, Activation::quick_gelu);
  EXPECT_EQ(inferred->config.norm_eps, 1e-5);
  EXPECT_FALSE(inferred->config.patch_bias);
  EXPECT_THAT(inferred->assumed, ElementsAre("heads = 1 (dim / 64)", HasSubstr("activation = quick-gelu (as OpenAI's"),
                                             "norm_eps = 1e-05"));
  const auto set = infer_timm(trunk(config), TimmFamily::timm, {"activation=gelu"});
  EXPECT_EQ(set->config.activation, Activation::gelu);
  EXPECT_EQ(set->assumed.size(), 2u);
}

TEST(InferTimm, TheWidestHaveHeadsOfTheirOwn) {
  EXPECT_EQ(usual_heads(768), 12);
  EXPECT_EQ(usual_heads(1280), 16);
  EXPECT_EQ(usual_heads(1408), 16);
  EXPECT_EQ(usual_heads(1536), 24);
  EXPECT_EQ(usual_heads(32), 0);
}

TEST(InferTimm, ALostDistillationTokenIsNamed) {
  NetworkConfig config = plain();
  config.distilled = true;
  TensorMap tensors = trunk(config);
  EXPECT_TRUE(infer_timm(tensors, TimmFamily::timm, {})->config.distilled);
  tensors.erase("dist_token");
  EXPECT_THAT(infer_timm(tensors, TimmFamily::timm, {}).error().message, HasSubstr("there is no dist_token"));
}

// Names of a map are those that the network has, with their shapes.
TEST(NamesTimm, AreTheNetworksOwnList) {
  for (const bool gated : {false, true})
    for (const int registers : {0, 4})
      for (const auto spelling : {TimmForm::Spelling::timm, TimmForm::Spelling::authors})
        for (const auto rows : {TimmForm::PositionRows::every_token, TimmForm::PositionRows::patches}) {
          NetworkConfig config = plain();
          config.gated_mlp = gated;
          config.registers = registers;
          config.layer_scale = true;
          const Status fits = check_name_map(names_timm(config, {spelling, rows}), trunk_parameters(config));
          EXPECT_TRUE(fits) << fits.error().message;
        }
}

}  // namespace
}  // namespace dfa
