#include "nn/network_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace dfa {
namespace {

NetworkConfig tiny() {
  NetworkConfig config;
  config.image = 64;
  config.dim = 48;
  config.depth = 6;
  config.heads = 3;
  config.mlp = 192;
  config.bottleneck = 8;
  config.stages = {{0, 1}, {2, 3}, {4, 5}};
  return config;
}

TEST(NetworkConfig, CountsOfThePublishedNetworkAreExact) {
  const ParameterCounts counts = count_parameters(NetworkConfig{});
  EXPECT_EQ(counts.adapters, 16'917'838);
  EXPECT_EQ(counts.trunk, 85'798'656);
}

TEST(NetworkConfig, CountsOfTheGoldenNetworkAreExact) {
  const ParameterCounts counts = count_parameters(tiny());
  EXPECT_EQ(counts.adapters, 1'129'384);
  EXPECT_EQ(counts.trunk, 207'504);
  EXPECT_EQ(network_parameters(tiny()).size(), 207u);
}

TEST(NetworkConfig, LargeTrunkHasThePublishedNumberOfTrainedParameters) {
  NetworkConfig config;
  config.dim = 1024;
  config.depth = 24;
  config.heads = 16;
  config.mlp = 4096;
  config.stages = {{0, 7}, {8, 15}, {16, 23}};
  EXPECT_EQ(count_parameters(config).adapters, 30'089'050);
}

TEST(NetworkConfig, SpatialSidesRoundUpAtEveryStep) {
  NetworkConfig config;
  EXPECT_EQ(config.spatial_tokens(), 784 + 196 + 49);
  EXPECT_EQ(config.trunk_tokens(), 197);
  config.image = 64;
  EXPECT_EQ(config.spatial_tokens(), 64 + 16 + 4);
  config.image = 72;  // 36, 18, 9; 5; 3
  EXPECT_EQ(config.spatial_side(0), 9);
  EXPECT_EQ(config.spatial_side(1), 5);
  EXPECT_EQ(config.spatial_side(2), 3);
}

TEST(NetworkConfig, EveryNameIsListedOnce) {
  std::set<std::string> names;
  for (const ParameterSpec& spec : network_parameters(tiny())) EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
}

TEST(NetworkConfig, AbsentAdaptersHaveNoTensors) {
  NetworkConfig config = tiny();
  config.gba = false;
  config.lsa = false;
  config.readout = Readout::cls;
  ASSERT_TRUE(check_config(config));
  for (const ParameterSpec& spec : network_parameters(config)) {
    EXPECT_TRUE(spec.group == ParameterGroup::trunk || spec.group == ParameterGroup::head) << spec.name;
  }
}

std::string problem(const NetworkConfig& config) {
  const Status status = check_config(config);
  if (status) return "accepted";
  EXPECT_EQ(status.error().code, ErrorCode::model_incompatible);
  return status.error().message;
}

TEST(CheckConfig, AcceptsTheDefaultsAndTheGoldenConfiguration) {
  EXPECT_TRUE(check_config(NetworkConfig{}));
  EXPECT_TRUE(check_config(tiny()));
}

TEST(CheckConfig, NamesEveryFieldThatDoesNotFit) {
  NetworkConfig config;
  config.image = 225;
  config.heads = 7;
  config.classes = 0;
  EXPECT_THAT(problem(config), testing::AllOf(testing::HasSubstr("image 225 is not a multiple of patch 16"),
                                              testing::HasSubstr("heads is 7"), testing::HasSubstr("classes is 0")));
}

TEST(CheckConfig, StagesMustCoverAllBlocksInOrder) {
  NetworkConfig config;
  config.stages = {{0, 3}, {5, 11}};
  EXPECT_THAT(problem(config), testing::HasSubstr("stages[1] is [5,11], must begin at block 4"));
  config.stages = {{0, 3}, {4, 7}};
  EXPECT_THAT(problem(config), testing::HasSubstr("stages cover 8 of 12 blocks"));
  config.stages = {{0, 3}, {4, 12}};
  EXPECT_THAT(problem(config), testing::HasSubstr("stages[1] ends at block 12, the last block is 11"));
  config.stages = {};
  EXPECT_THAT(problem(config), testing::HasSubstr("stages cover 0 of 12 blocks"));
}

TEST(CheckConfig, WithoutSpatialAdaptersOnlyTheClassTokenCanBeRead) {
  NetworkConfig config;
  config.lsa = false;
  EXPECT_THAT(problem(config), testing::HasSubstr("the only readouts are \"cls\" and \"query:K\""));
  config.readout = Readout::cls;
  config.stages = {};  // read only with lsa
  EXPECT_TRUE(check_config(config));
}

TEST(CheckConfig, SizesThatWouldOverflowAreRefused) {
  NetworkConfig config;
  config.dim = 2'000'000'000;
  EXPECT_THAT(problem(config), testing::HasSubstr("dim is 2000000000"));
  config = NetworkConfig{};
  config.norm_eps = 0;
  EXPECT_THAT(problem(config), testing::HasSubstr("norm_eps is 0"));
  config = NetworkConfig{};
  config.arch = "swin";
  EXPECT_THAT(problem(config), testing::HasSubstr("arch is \"swin\""));
}

}  // namespace
}  // namespace dfa
