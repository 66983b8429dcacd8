#include "train/optim/optimizer.hpp"

#include <cmath>
#include <numbers>

#include "nn/network.hpp"
#include "support/close.hpp"
#include "train/optim/loss_scale.hpp"
#include "train/optim/schedule.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

std::vector<float> values(const TensorMap& tensors, const std::string& name) {
  return *tensors.at(name).to_f32();
}

class OptimizerTest : public testing::Test {
 protected:
  // One step's gradients, then the given optimiser step.
  double step(TrainNetwork& network, Optimizer& optimizer, double rate) {
    const auto taken = network.loss_and_gradients(hash_images(config_, 4), alternating_labels(4), {});
    EXPECT_TRUE(taken) << taken.error().message;
    const auto norm = optimizer.step(rate);
    EXPECT_TRUE(norm) << norm.error().message;
    return *norm;
  }
  const NetworkConfig config_ = small_config();
  const std::string matrix_ = "head.1.weight", vector_ = "head.1.bias";
};

TEST_F(OptimizerTest, SgdIsMomentumWithDecayInTheGradient) {
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  OptimizerOptions options;
  options.momentum = 0.9;
  options.weight_decay = 0.01;
  const auto optimizer = Optimizer::create(*network, options);
  ASSERT_TRUE(optimizer);
  std::vector<double> v;
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> before = values(network->tensors(), matrix_);
    step(*network, **optimizer, 0.05);
    const std::vector<float> gradient = values(network->gradients(), matrix_),
                             after = values(network->tensors(), matrix_);
    v.resize(before.size());
    std::vector<float> wanted;
    for (std::size_t k = 0; k < before.size(); ++k) {
      v[k] = (i == 0 ? 0 : 0.9 * v[k]) + gradient[k] + 0.01 * before[k];
      wanted.push_back(static_cast<float>(before[k] - 0.05 * v[k]));
    }
    EXPECT_TRUE(expect_close(after, wanted, {.absolute = 1e-6, .relative = 1e-5}));
  }
}

TEST_F(OptimizerTest, AdamWDecaysApartFromTheGradient) {
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  OptimizerOptions options;
  options.rule = Rule::adamw;
  options.weight_decay = 0.1;
  const auto optimizer = Optimizer::create(*network, options);
  ASSERT_TRUE(optimizer);
  std::vector<double> mean, square;
  for (int i = 1; i <= 3; ++i) {
    const std::vector<float> before = values(network->tensors(), matrix_);
    step(*network, **optimizer, 0.01);
    const std::vector<float> gradient = values(network->gradients(), matrix_),
                             after = values(network->tensors(), matrix_);
    mean.resize(before.size());
    square.resize(before.size());
    std::vector<float> wanted;
    for (std::size_t k = 0; k < before.size(); ++k) {
      mean[k] = 0.9 * mean[k] + 0.1 * gradient[k];
      square[k] = 0.999 * square[k] + 0.001 * gradient[k] * gradient[k];
      const double m = mean[k] / (1 - std::pow(0.9, i)), s = square[k] / (1 - std::pow(0.999, i));
      wanted.push_back(static_cast<float>(before[k] * (1 - 0.01 * 0.1) - 0.01 * m / (std::sqrt(s) + 1e-8)));
    }
    EXPECT_TRUE(expect_close(after, wanted, {.absolute = 2e-6, .relative = 1e-4}));
  }
}

TEST_F(OptimizerTest, DecayCanSpareNormsAndBiases) {
  OptimizerOptions options;
  options.momentum = 0;
  options.weight_decay = 0.5;
  options.decay = Decay::matrices_only;
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto optimizer = Optimizer::create(*network, options);
  const std::vector<float> bias = values(network->tensors(), vector_),
                           level = values(network->tensors(), "level_embed");
  const std::vector<float> matrix = values(network->tensors(), matrix_);
  step(*network, **optimizer, 0.1);
  const TensorMap gradients = network->gradients(), after = network->tensors();
  const auto expected = [](const std::vector<float>& w, const std::vector<float>& g, double decay) {
    std::vector<float> out;
    for (std::size_t i = 0; i < w.size(); ++i) out.push_back(static_cast<float>(w[i] - 0.1 * (g[i] + decay * w[i])));
    return out;
  };
  const Tolerance tolerance{.absolute = 1e-6, .relative = 1e-5};
  EXPECT_TRUE(expect_close(values(after, vector_), expected(bias, values(gradients, vector_), 0), tolerance));
  EXPECT_TRUE(
      expect_close(values(after, "level_embed"), expected(level, values(gradients, "level_embed"), 0), tolerance));
  EXPECT_TRUE(expect_close(values(after, matrix_), expected(matrix, values(gradients, matrix_), 0.5), tolerance));
}

TEST_F(OptimizerTest, ClippingScalesTheJointNorm) {
  OptimizerOptions options;
  options.momentum = 0;
  options.weight_decay = 0;
  const auto free = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto clipped = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto free_step = Optimizer::create(*free, options);
  options.clip_norm = 0.25;
  const auto clipped_step = Optimizer::create(*clipped, options);
  const std::vector<float> before = values(free->tensors(), matrix_);
  const double norm = step(*free, **free_step, 1.0);
  EXPECT_EQ(step(*clipped, **clipped_step, 1.0), norm);
  ASSERT_GT(norm, 0.25);
  std::vector<float> moved, wanted;
  for (std::size_t i = 0; i < before.size(); ++i) {
    wanted.push_back(static_cast<float>((values(free->tensors(), matrix_)[i] - before[i]) * 0.25 / norm));
    moved.push_back(values(clipped->tensors(), matrix_)[i] - before[i]);
  }
  EXPECT_TRUE(expect_close(moved, wanted, {.absolute = 2e-7, .relative = 1e-4}));
}

TEST_F(OptimizerTest, StateContinuesBitForBit) {
  for (const Rule rule : {Rule::sgd, Rule::adamw}) {
    OptimizerOptions options;
    options.rule = rule;
    const auto whole = make_train_network(config_, hash_weights(config_), all_groups());
    const auto whole_step = Optimizer::create(*whole, options);
    for (int i = 0; i < 2; ++i) step(*whole, **whole_step, 0.01);
    const auto second = make_train_network(config_, whole->tensors(), all_groups());
    const auto second_step = Optimizer::create(*second, options);
    ASSERT_TRUE((*second_step)->restore((*whole_step)->state()));
    for (int i = 0; i < 2; ++i) {
      step(*whole, **whole_step, 0.01);
      step(*second, **second_step, 0.01);
    }
    for (const auto& [name, tensor] : whole->tensors())
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, second->tensors().at(name).bytes)) << name;
  }
}

TEST_F(OptimizerTest, NonFiniteGradientsChangeNothing) {
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto optimizer = Optimizer::create(*network, {});
  std::vector<float> images = hash_images(config_, 4);
  images[0] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(4), {}));
  const std::vector<float> before = values(network->tensors(), matrix_);
  const auto norm = (*optimizer)->step(0.1);
  ASSERT_FALSE(norm);
  EXPECT_EQ(norm.error().code, ErrorCode::non_finite_loss);
  EXPECT_EQ(values(network->tensors(), matrix_), before);
}

TEST_F(OptimizerTest, AGradientThatIsNotFiniteCanBeSkipped) {
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto optimizer = Optimizer::create(*network, {});
  step(*network, **optimizer, 0.1);
  const TensorMap weights = network->tensors(), momenta = (*optimizer)->state();
  // Too great for f32: every gradient becomes infinite or not a number.
  const auto taken = network->loss_and_gradients(hash_images(config_, 4), alternating_labels(4), {.scale = 1e39});
  ASSERT_TRUE(taken);
  EXPECT_TRUE(std::isfinite(taken->loss));  // the loss itself has no scale
  const auto norm = (*optimizer)->step(0.1, {}, NotFinite::skip);
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_FALSE(std::isfinite(*norm));
  const auto same_as = [](const TensorMap& a, const TensorMap& b) {
    for (const auto& [name, tensor] : a) EXPECT_TRUE(std::ranges::equal(tensor.bytes, b.at(name).bytes)) << name;
  };
  // Running statistics move in every pass; nothing that learns does.
  TensorMap now = network->tensors();
  for (const std::string& name : network->trained_names()) same_as({{name, weights.at(name)}}, now);
  same_as(momenta, (*optimizer)->state());
}

// A power of two comes out of every rounding of f32 again.
TEST_F(OptimizerTest, AScaledLossHasTheSameGradients) {
  std::vector<TensorMap> gradients;
  for (const double scale : {1.0, 65536.0, 0x1p100}) {
    const auto network = make_train_network(config_, hash_weights(config_), all_groups());
    ASSERT_TRUE(network->loss_and_gradients(hash_images(config_, 4), alternating_labels(4), {.scale = scale}));
    gradients.push_back(network->gradients());
  }
  for (const auto& [name, tensor] : gradients[0])
    for (const TensorMap& scaled : {gradients[1], gradients[2]})
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, scaled.at(name).bytes)) << name;
}

TEST(LossScale, HalvesAndGrows) {
  LossScale scale({.start = 8, .growth_steps = 3});
  EXPECT_EQ(scale.value(), 8);
  scale.after_good_step();
  scale.after_good_step();
  scale.after_skipped_step();  // the row begins anew
  EXPECT_EQ(scale.state(), (LossScaleState{4, 0}));
  scale.after_good_step();
  scale.after_good_step();
  EXPECT_EQ(scale.state(), (LossScaleState{4, 2}));
  LossScale again({.start = 1, .growth_steps = 3});
  EXPECT_FALSE(again.may_halve());
  again.restore(scale.state());
  again.after_good_step();
  EXPECT_EQ(again.state(), (LossScaleState{8, 0}));
  EXPECT_TRUE(again.may_halve());
}

TEST_F(OptimizerTest, AverageFollowsAndSwapsBack) {
  const auto network = make_train_network(config_, hash_weights(config_), adapter_groups());
  const auto optimizer = Optimizer::create(*network, {});
  const auto average = WeightAverage::create(*network, 0.75);
  const std::vector<float> start = values(network->tensors(), matrix_);
  step(*network, **optimizer, 0.1);
  average->update();
  const std::vector<float> now = values(network->tensors(), matrix_);
  average->swap();
  std::vector<float> wanted;
  for (std::size_t i = 0; i < now.size(); ++i) wanted.push_back(0.75F * start[i] + 0.25F * now[i]);
  EXPECT_TRUE(expect_close(values(network->tensors(), matrix_), wanted, {.absolute = 1e-7, .relative = 1e-6}));
  average->swap();
  EXPECT_EQ(values(network->tensors(), matrix_), now);
}

TEST(Schedule, IsThePublishedOne) {
  Schedule schedule;
  schedule.peak = 0.025;
  constexpr std::int64_t kSteps = 10;
  EXPECT_EQ(learning_rate(schedule, 0, 0, kSteps), 0.0);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 0, 5, kSteps), 0.025 * 0.5 / 15);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 15, 0, kSteps), 0.025);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 57, 5, kSteps), 0.025 * 0.5 * (1 + std::cos(std::numbers::pi * 42.5 / 85)));
  EXPECT_GT(learning_rate(schedule, 99, 9, kSteps), 0.0);
  EXPECT_LT(learning_rate(schedule, 99, 9, kSteps), 1e-7);
}

TEST(Schedule, FloorAndNoWarmUp) {
  Schedule schedule;
  schedule.peak = 1;
  schedule.floor = 0.1;
  schedule.epochs = 2;
  schedule.warmup_epochs = 0;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 0, 0, 4), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1, 0, 4), 0.55);
}

}  // namespace
}  // namespace dfa::test
