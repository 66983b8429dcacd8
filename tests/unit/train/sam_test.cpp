// The sharpness-aware step against two explicit gradient calls.
#include <cmath>

#include "support/close.hpp"
#include "train/config/run_config.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/made_batch.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

constexpr int kSamples = 4;
constexpr double kRho = 0.05, kRate = 0.05;

class Sam : public testing::Test {
 protected:
  Sam() : batch_(made_batch(config_, kSamples)) { set_torch_threads(1); }

  // Statistics of the network's own pass are updated; those of the optimiser's second one are kept.
  void take_gradients(TrainNetwork& network, Statistics statistics) const {
    LossOptions options;
    options.statistics = statistics;
    const auto values = network.loss_and_gradients(batch_.input(), options);
    if (!values) throw std::runtime_error(values.error().message);
  }
  double step(TrainNetwork& network, Optimizer& optimizer) const {
    take_gradients(network, Statistics::update);
    const auto norm = optimizer.step(kRate, [&]() -> Status {
      take_gradients(network, Statistics::keep);
      return {};
    });
    if (!norm) throw std::runtime_error(norm.error().message);
    return *norm;
  }
  std::unique_ptr<Optimizer> make(TrainNetwork& network, const OptimizerOptions& options) const {
    auto made = Optimizer::create(network, options);
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
  }
  std::unique_ptr<TrainNetwork> fresh() const {
    return make_train_network(config_, hash_weights(config_), adapter_groups());
  }

  const NetworkConfig config_ = small_config();
  const MadeBatch batch_;
};

TEST_F(Sam, TakesTheGradientUphillAndTheStepFromTheStart) {
  OptimizerOptions options;
  options.momentum = 0;
  options.weight_decay = 0.01;
  options.sam_rho = kRho;
  const auto network = fresh();
  const TensorMap start = network->tensors();
  const double norm = step(*network, *make(*network, options));
  const TensorMap after = network->tensors();

  const auto by_hand = fresh();
  take_gradients(*by_hand, Statistics::keep);
  const TensorMap here = by_hand->gradients();
  double square = 0;
  for (const auto& [name, g] : here) square += std::pow(norm_of(g), 2);
  TensorMap uphill = start;
  for (const auto& [name, g] : here) {
    std::vector<float> w = *start.at(name).to_f32();
    const std::vector<float> values = *g.to_f32();
    for (std::size_t i = 0; i < w.size(); ++i) w[i] += static_cast<float>(kRho / std::sqrt(square) * values[i]);
    uphill[name] = Tensor::from_f32(g.shape, w);
  }
  ASSERT_TRUE(by_hand->load(uphill));
  take_gradients(*by_hand, Statistics::keep);
  const TensorMap there = by_hand->gradients();
  double uphill_square = 0, apart = 0;
  for (const auto& [name, g] : there) {
    uphill_square += std::pow(norm_of(g), 2);
    const std::vector<float> w = *start.at(name).to_f32(), values = *g.to_f32(), first = *here.at(name).to_f32();
    std::vector<float> wanted;
    for (std::size_t i = 0; i < w.size(); ++i) {
      wanted.push_back(static_cast<float>(w[i] - kRate * (values[i] + 0.01 * w[i])));
      apart += std::pow(values[i] - first[i], 2);
    }
    EXPECT_TRUE(expect_close(*after.at(name).to_f32(), wanted, {.absolute = 2e-6, .relative = 1e-5},
                             Expectation::may_be_constant))
        << name;
  }
  EXPECT_NEAR(norm, std::sqrt(uphill_square), 1e-4 * norm);
  EXPECT_GT(std::sqrt(apart), 0.01 * norm) << "the two gradients are too alike for this test to mean anything";
}

TEST_F(Sam, StatisticsMoveOnceAndAtTheStart) {
  const auto plain = fresh(), sharp = fresh();
  OptimizerOptions options;
  step(*plain, *make(*plain, options));
  options.sam_rho = kRho;
  step(*sharp, *make(*sharp, options));
  const TensorMap a = plain->tensors(), b = sharp->tensors();
  for (const ParameterSpec& spec : network_parameters(config_))
    if (spec.kind != ParameterKind::weight) {
      EXPECT_TRUE(std::ranges::equal(a.at(spec.name).bytes, b.at(spec.name).bytes)) << spec.name;
    }
  EXPECT_FALSE(std::ranges::equal(a.at("head.1.weight").bytes, b.at("head.1.weight").bytes)) << "sam_rho is inert";
}

TEST_F(Sam, ContinuesBitForBitAndWorksWithEveryRule) {
  for (const Rule rule : {Rule::sgd, Rule::adamw}) {
    OptimizerOptions options;
    options.rule = rule;
    options.sam_rho = kRho;
    const auto whole = fresh();
    const auto whole_step = make(*whole, options);
    for (int i = 0; i < 2; ++i) step(*whole, *whole_step);
    const auto second = make_train_network(config_, whole->tensors(), adapter_groups());
    const auto second_step = make(*second, options);
    ASSERT_TRUE(second_step->restore(whole_step->state()));
    for (int i = 0; i < 2; ++i) {
      step(*whole, *whole_step);
      step(*second, *second_step);
    }
    const TensorMap a = whole->tensors(), b = second->tensors();
    for (const auto& [name, tensor] : a) EXPECT_TRUE(std::ranges::equal(tensor.bytes, b.at(name).bytes)) << name;
  }
}

TEST_F(Sam, AFailedSecondPassLeavesTheWeights) {
  OptimizerOptions options;
  options.sam_rho = kRho;
  const auto network = fresh();
  const auto optimizer = make(*network, options);
  const TensorMap start = network->tensors();
  take_gradients(*network, Statistics::keep);
  const auto failed = optimizer->step(kRate, []() -> Status { return fail(ErrorCode::non_finite_loss, "no"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::non_finite_loss);
  const auto without = optimizer->step(kRate);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::usage);
  const TensorMap after = network->tensors();
  for (const auto& [name, tensor] : start) EXPECT_TRUE(std::ranges::equal(tensor.bytes, after.at(name).bytes)) << name;
}

TEST_F(Sam, IsAKeyOfTheConfiguration) {
  const auto config = parse_run_config(R"({"optimizer": {"sam_rho": 0.05}})", "test", {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->optimizer.sam_rho, 0.05);
  EXPECT_EQ(parse_run_config(run_config_json(*config), "again", {})->optimizer.sam_rho, 0.05);
  EXPECT_FALSE(parse_run_config(R"({"optimizer": {"sam_rho": -1}})", "test", {}));
}

}  // namespace
}  // namespace dfa::test
