#include "nn/vit/ref_network.hpp"

#include <gtest/gtest.h>

#include <map>

#include "golden_tiny.hpp"
#include "run_network.hpp"
#include "support/close.hpp"

namespace dfa {
namespace {

using test::expect_close;
using test::GoldenTiny;
using test::Outputs;
using test::read_golden_tiny;

constexpr NetworkOptions kRef{.precision = Precision::ref, .threads = 1};

TEST(RefNetwork, GivesTheAuthorsFiguresForTheTinyNetwork) {
  const GoldenTiny golden = read_golden_tiny();
  const auto network = test::build_network(golden.config, hash_weights(golden.config), kRef);
  const Outputs got = test::run_network(*network, hash_images(golden.config, golden.images), golden.images);
  EXPECT_TRUE(expect_close(got.logits, golden.logits, {.absolute = 2e-5}));
  EXPECT_TRUE(expect_close(got.feature, golden.feature, {.absolute = 2e-5}));
}

// Keeps the ViT stream after each block.
class Recorder final : public BlockObserver {
 public:
  void after_block(int image, int block, std::span<const float> x) override {
    if (block >= 0) streams[{image, block}].assign(x.begin(), x.end());
  }
  std::map<std::pair<int, int>, std::vector<float>> streams;
};

NetworkOptions observed(BlockObserver& observer) {
  NetworkOptions options = kRef;
  options.observer = &observer;
  return options;
}

// The weights of `from` that `to` has as well.
TensorMap shared_weights(const TensorMap& from, const NetworkConfig& to) {
  TensorMap picked;
  for (const ParameterSpec& spec : network_parameters(to)) picked.emplace(spec.name, from.at(spec.name));
  return picked;
}

void zero(Tensor& tensor) {
  tensor = Tensor::from_f32(tensor.shape, std::vector<float>(static_cast<std::size_t>(tensor.element_count()), 0.0F));
}

// gamma = 0 and Up = 0: what training starts from.
TensorMap initial_weights(const NetworkConfig& config) {
  TensorMap weights = hash_weights(config);
  for (auto& [name, tensor] : weights) {
    if (name.ends_with("injector.gamma") || name.find("adaptor.up_proj") != std::string::npos) zero(tensor);
  }
  return weights;
}

TEST(RefNetwork, AtInitialisationTheTrunkIsThePlainVit) {
  NetworkConfig adapted = read_golden_tiny().config;
  adapted.readout = Readout::cls;
  NetworkConfig plain = adapted;
  plain.gba = plain.lsa = false;
  const TensorMap weights = initial_weights(adapted);
  Recorder with, without;
  const auto adapted_network = make_ref_network(adapted, weights, observed(with));
  const auto plain_network = make_ref_network(plain, shared_weights(weights, plain), observed(without));
  const std::vector<float> images = hash_images(adapted, 2);
  const Outputs a = test::run_network(*adapted_network, images, 2);
  const Outputs b = test::run_network(*plain_network, images, 2);
  EXPECT_EQ(a.feature, b.feature);
  EXPECT_EQ(a.logits, b.logits);
  ASSERT_EQ(with.streams.size(), 12u);
  EXPECT_EQ(with.streams, without.streams);  // every token after every block of both images
}

TEST(RefNetwork, AdaptersThatAreNotZeroChangeTheTrunk) {
  NetworkConfig adapted = read_golden_tiny().config;
  Recorder with, without;
  NetworkConfig plain = adapted;
  plain.gba = plain.lsa = false;
  plain.readout = Readout::cls;
  const TensorMap weights = hash_weights(adapted);
  const std::vector<float> images = hash_images(adapted, 1);
  test::run_network(*make_ref_network(adapted, weights, observed(with)), images, 1);
  test::run_network(*make_ref_network(plain, shared_weights(weights, plain), observed(without)), images, 1);
  EXPECT_NE(with.streams, without.streams);
}

TEST(RefNetwork, ThreadCountDoesNotChangeABit) {
  const GoldenTiny golden = read_golden_tiny();
  const TensorMap weights = hash_weights(golden.config);
  const std::vector<float> images = hash_images(golden.config, 1);
  NetworkOptions one = kRef, three = kRef;
  one.threads = 1;
  three.threads = 3;
  EXPECT_EQ(test::run_network(*test::build_network(golden.config, weights, one), images, 1).logits,
            test::run_network(*test::build_network(golden.config, weights, three), images, 1).logits);
}

TEST(RefNetwork, SpansOfTheWrongSizeAreUsageErrors) {
  const GoldenTiny golden = read_golden_tiny();
  const auto network = test::build_network(golden.config, hash_weights(golden.config), kRef);
  const std::vector<float> images = hash_images(golden.config, 1);
  std::vector<float> logits(3);
  const Status wrong_logits = network->forward(images, 1, {.logits = logits, .feature = {}});
  ASSERT_FALSE(wrong_logits);
  EXPECT_EQ(wrong_logits.error().code, ErrorCode::usage);
  EXPECT_EQ(wrong_logits.error().message, "logits hold 3 values, expected 2");
  EXPECT_FALSE(network->forward(images, 2, {}));
  EXPECT_FALSE(network->forward(images, 0, {}));
  EXPECT_TRUE(network->forward(images, 1, {}));  // nothing asked for, nothing wrong
}

}  // namespace
}  // namespace dfa
