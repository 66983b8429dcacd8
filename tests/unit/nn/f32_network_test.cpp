#include "nn/vit/f32_network.hpp"

#include <gtest/gtest.h>

#include "golden_tiny.hpp"
#include "nn/isa.hpp"
#include "run_network.hpp"
#include "support/close.hpp"
#include "support/random_config.hpp"

namespace dfa {
namespace {

using test::build_network;
using test::expect_close;
using test::GoldenTiny;
using test::Outputs;
using test::read_golden_tiny;
using test::run_network;

constexpr NetworkOptions kRef{.precision = Precision::ref};

TEST(F32Network, GivesTheAuthorsFiguresForTheTinyNetwork) {
  const GoldenTiny golden = read_golden_tiny();
  const auto network = build_network(golden.config, hash_weights(golden.config), {});
  const Outputs got = run_network(*network, hash_images(golden.config, golden.images), golden.images);
  const auto logits = expect_close(got.logits, golden.logits, {.absolute = 2e-5});
  EXPECT_TRUE(logits);
  EXPECT_TRUE(expect_close(got.feature, golden.feature, {.absolute = 2e-5}));
  RecordProperty("isa", std::string(effective_isa()));
  RecordProperty("logits", logits.message());
}

class RandomConfig : public testing::TestWithParam<int> {};

TEST_P(RandomConfig, RefAndF32Agree) {
  const NetworkConfig config = test::random_config(test::kRandomConfigSeed, GetParam());
  SCOPED_TRACE(test::describe(config));
  ASSERT_TRUE(check_config(config)) << check_config(config).error().message;
  constexpr int kImages = 3;
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const Outputs want = run_network(*build_network(config, weights, kRef), images, kImages);
  const Outputs got = run_network(*build_network(config, weights, {.threads = 2}), images, kImages);
  EXPECT_TRUE(expect_close(got.logits, want.logits, {.absolute = 1e-4}));
  EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 1e-4}));
}

INSTANTIATE_TEST_SUITE_P(Seeded, RandomConfig, testing::Range(0, test::kRandomConfigs));

}  // namespace
}  // namespace dfa
