// Losses through the whole network: gradients of every parameter group against differences in f64, what each key does,
// and what a second pass leaves alone.
#include <cmath>
#include <functional>

#include "base/rng.hpp"
#include "support/close.hpp"
#include "train/config/run_config.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/made_batch.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

constexpr int kSamples = 4;

class LossGradient : public testing::Test {
 protected:
  LossGradient() : batch_(made_batch(config_, kSamples)) {
    set_torch_threads(1);
    network_ = make_train_network(config_, hash_weights(config_), all_groups());
    add_heads(*network_, all_losses());
    start_ = network_->tensors();
    heads_ = network_->loss_heads();
  }

  LossValues step(LossOptions options, Compute compute = Compute::f64) {
    options.compute = compute;
    auto values = network_->loss_and_gradients(batch_.input(), options);
    if (!values) throw std::runtime_error(values.error().message);
    return std::move(*values);
  }

  // `from` moved by `shift` x direction in the tensors that the direction has.
  static TensorMap moved(const TensorMap& from, const std::map<std::string, std::vector<double>>& direction,
                         double shift) {
    TensorMap to = from;
    for (auto& [name, tensor] : to)
      if (const auto found = direction.find(name); found != direction.end()) {
        std::vector<float> values = *tensor.to_f32();
        for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<float>(shift * found->second[i]);
        tensor = Tensor::from_f32(tensor.shape, values);
      }
    return to;
  }

  // Slope of `loss` along a direction that holds all of `names`: half of it the gradient, half random, so that an error
  // in either length or direction shows. Weights are f32: the difference is divided by what they really moved.
  void expect_slope(const std::function<double()>& loss, const TensorMap& gradients,
                    const std::vector<std::string>& names, double step_length, double tolerance) {
    std::map<std::string, std::vector<double>> direction;
    double square = 0;
    for (const std::string& name : names) {
      const std::vector<float> gradient = *gradients.at(name).to_f32();
      for (const float g : gradient) square += static_cast<double>(g) * g;
    }
    const double norm = std::sqrt(square);
    ASSERT_GT(norm, 0.0);
    std::size_t count = 0;
    for (const std::string& name : names) count += gradients.at(name).element_count();
    for (const std::string& name : names) {
      RngStream stream(9, name);
      const std::vector<float> gradient = *gradients.at(name).to_f32();
      for (const float g : gradient)
        direction[name].push_back(g / norm + stream.normal() / std::sqrt(static_cast<double>(count)));
    }
    const TensorMap above = moved(start_, direction, step_length), below = moved(start_, direction, -step_length);
    const TensorMap heads_above = moved(heads_, direction, step_length),
                    heads_below = moved(heads_, direction, -step_length);
    const auto at = [&](const TensorMap& weights, const TensorMap& heads) {
      EXPECT_TRUE(network_->load(weights) && network_->load_loss_heads(heads));
      return loss();
    };
    const double difference = at(above, heads_above) - at(below, heads_below);
    EXPECT_TRUE(network_->load(start_) && network_->load_loss_heads(heads_));
    double expected = 0;
    for (const std::string& name : names) {
      const bool head = heads_.contains(name);
      const std::vector<float> g = *gradients.at(name).to_f32(), up = *(head ? heads_above : above).at(name).to_f32(),
                               down = *(head ? heads_below : below).at(name).to_f32();
      for (std::size_t i = 0; i < g.size(); ++i)
        expected += static_cast<double>(g[i]) * (static_cast<double>(up[i]) - static_cast<double>(down[i]));
    }
    EXPECT_NEAR(difference / expected, 1.0, tolerance);
  }

  // The trained tensors with a gradient, a list a parameter group.
  std::vector<std::vector<std::string>> groups_of(const TensorMap& gradients) const {
    std::map<ParameterGroup, std::vector<std::string>> groups;
    for (const ParameterSpec& spec : network_parameters(config_))
      if (gradients.contains(spec.name) && norm_of(gradients.at(spec.name)) > 0)
        groups[spec.group].push_back(spec.name);
    std::vector<std::vector<std::string>> lists;
    for (auto& [group, names] : groups) lists.push_back(std::move(names));
    std::vector<std::string> heads;
    for (const auto& [name, head] : heads_)
      if (gradients.contains(name)) heads.push_back(name);
    if (!heads.empty()) lists.push_back(heads);
    return lists;
  }

  // Every group against differences of the loss that loss_and_gradients() itself reports.
  void expect_gradients(const LossOptions& options) {
    // Third derivatives times the square of the step, and the kinks of ReLU and max-pool that a step crosses.
    constexpr double kStep = 2e-5, kTolerance = 1e-4;
    step(options);
    const TensorMap gradients = network_->gradients();
    for (const std::vector<std::string>& names : groups_of(gradients)) {
      SCOPED_TRACE(names.front());
      expect_slope([&] { return step(options).loss; }, gradients, names, kStep, kTolerance);
    }
  }

  const NetworkConfig config_ = small_config();
  const MadeBatch batch_;
  std::unique_ptr<TrainNetwork> network_;
  TensorMap start_, heads_;
};

TEST_F(LossGradient, OfCrossEntropyWithSmoothing) {
  LossOptions options;
  options.label_smoothing = 0.2;
  expect_gradients(options);
}

// Mean over the samples of w(label) times the cross-entropy against the smoothed label; nothing else changes.
TEST_F(LossGradient, OfClassWeights) {
  LossOptions options;
  options.label_smoothing = 0.2;
  const LossValues plain = step(options);
  options.class_weights = {0.5, 3};
  const LossValues weighted = step(options);
  EXPECT_EQ(weighted.logits, plain.logits);
  double sum = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::size_t label = static_cast<std::size_t>(batch_.labels[i]);
    const double a = plain.logits[2 * i], b = plain.logits[2 * i + 1], log_sum = std::log(std::exp(a) + std::exp(b));
    const double own = label == 0 ? a : b;
    sum += options.class_weights[label] * (0.8 * (log_sum - own) + 0.1 * (2 * log_sum - a - b));
  }
  EXPECT_NEAR(weighted.loss, sum / kSamples, 1e-6) << "logits leave the network as f32";
  EXPECT_GT(std::abs(weighted.loss - plain.loss), 1e-2);
  expect_gradients(options);
  options.class_weights = {1, 1};
  EXPECT_NEAR(step(options).loss, plain.loss, 1e-12);
  for (const std::vector<double>& wrong : {std::vector<double>{1}, {1, -1}, {0, 0}}) {
    options.class_weights = wrong;
    const auto refused = network_->loss_and_gradients(batch_.input(), options);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("data.class_weights"), std::string::npos) << refused.error().message;
  }
}

TEST_F(LossGradient, OfAlignmentAndUniformity) {
  LossOptions options;
  options.alignment = 20;
  expect_gradients(options);
  options.alignment = 0;
  options.uniformity = 20;
  expect_gradients(options);
}

TEST_F(LossGradient, OfMaskAndBoundary) {
  LossOptions options;
  options.mask = 100;
  expect_gradients(options);
  options.mask = 0;
  options.boundary = 100;
  expect_gradients(options);
}

TEST_F(LossGradient, OfPatchContrast) {
  LossOptions options;
  options.patch_contrast = 100;
  expect_gradients(options);
}

TEST_F(LossGradient, OfAllButConsistencyTogether) {
  LossOptions options = all_losses();
  options.consistency = 0;
  expect_gradients(options);
}

// The weak view's probabilities are constants of the gradient, so the difference holds them fast, and is made from
// logits, which leave the network as f32: hence the wider step and tolerance.
TEST_F(LossGradient, OfConsistencyHoldsTheWeakView) {
  LossOptions with, without;
  with.consistency = 1;
  with.consistency_ramp_epochs = 0;
  const std::vector<float> weak = step(without).logits;
  const TensorMap rest = network_->gradients();
  step(with);
  TensorMap gradients = network_->gradients();
  for (auto& [name, gradient] : gradients) {
    std::vector<float> values = *gradient.to_f32();
    const std::vector<float> other = *rest.at(name).to_f32();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= other[i];
    gradient = Tensor::from_f32(gradient.shape, values);
  }
  const auto divergence = [&] {
    const auto strong = network_->forward(batch_.strong, kSamples, Mode::train, Compute::f64);
    double sum = 0;
    for (std::size_t i = 0; i < weak.size(); i += 2) {
      const auto log_p = [i](const std::vector<float>& logits, std::size_t k) {
        return logits[i + k] -
               std::log(std::exp(static_cast<double>(logits[i])) + std::exp(static_cast<double>(logits[i + 1])));
      };
      for (std::size_t k = 0; k < 2; ++k) sum += std::exp(log_p(weak, k)) * (log_p(weak, k) - log_p(strong->logits, k));
    }
    return sum / kSamples;
  };
  network_->load(start_);
  EXPECT_NEAR(divergence(), step(with).terms.back().value, 1e-6);
  for (const std::vector<std::string>& names : groups_of(gradients)) {
    SCOPED_TRACE(names.front());
    expect_slope(divergence, gradients, names, 1e-3, 5e-3);
  }
}

TEST_F(LossGradient, IsTheWeightedSumOfItsTerms) {
  const LossOptions together = all_losses();
  const LossValues values = step(together);
  const std::vector<std::string> wanted = {"cross_entropy", "alignment",      "uniformity", "mask",
                                           "boundary",      "patch_contrast", "consistency"};
  std::vector<std::string> names;
  double sum = 0;
  for (const LossTerm& term : values.terms) {
    names.push_back(term.name);
    sum += term.weight * term.value;
  }
  EXPECT_EQ(names, wanted);
  EXPECT_NEAR(values.loss, sum, 1e-12);
  const std::string name = "blocks.1.attn.qkv.weight";
  const std::vector<float> whole = *network_->gradients().at(name).to_f32();
  LossOptions plain;
  plain.label_smoothing = together.label_smoothing;
  step(plain);
  const std::vector<float> base = *network_->gradients().at(name).to_f32();
  std::vector<float> added = base;
  constexpr double LossOptions::*kWeights[] = {&LossOptions::alignment,      &LossOptions::uniformity,
                                               &LossOptions::mask,           &LossOptions::boundary,
                                               &LossOptions::patch_contrast, &LossOptions::consistency};
  for (const auto weight : kWeights) {
    LossOptions one = plain;
    one.consistency_ramp_epochs = 0;
    one.*weight = together.*weight;
    step(one);
    const std::vector<float> with = *network_->gradients().at(name).to_f32();
    for (std::size_t i = 0; i < added.size(); ++i) added[i] += with[i] - base[i];
  }
  EXPECT_TRUE(expect_close(added, whole, {.absolute = 1e-6, .relative = 1e-4}));
}

TEST_F(LossGradient, ReachesAllRowsOfTheLastExtractorOnlyForSpatialLosses) {
  const std::string gate = "interactions.2.extractor.self_attn.out_proj.weight";
  step({});
  const double read = norm_of(network_->gradients().at(gate));
  EXPECT_FALSE(network_->gradients().contains("mask_head.0.weight"));
  LossOptions options;
  options.mask = 1000;
  const LossValues spatial = step(options);
  EXPECT_GT(norm_of(network_->gradients().at(gate)), 2 * read);
  EXPECT_GT(norm_of(network_->gradients().at("mask_head.2.weight")), 0.0);
  // Which rows are computed changes no logit but in its last bits.
  EXPECT_TRUE(expect_close(spatial.logits, step({}).logits, {.absolute = 1e-6, .relative = 1e-6}));
}

TEST_F(LossGradient, UnknownMasksAreAbsentTerms) {
  MadeBatch batch = batch_;
  LossOptions options = all_losses();
  const auto names = [&] {
    const auto values = network_->loss_and_gradients(batch.input(), options);
    std::vector<std::string> found;
    for (const LossTerm& term : values->terms) found.push_back(term.name);
    return found;
  };
  batch.mask_known.assign(kSamples, 0);
  EXPECT_EQ(names(), (std::vector<std::string>{"cross_entropy", "alignment", "uniformity", "consistency"}));
  batch.mask_known[0] = 1;  // a real alone: maps, but no contrast
  EXPECT_EQ(names(),
            (std::vector<std::string>{"cross_entropy", "alignment", "uniformity", "mask", "boundary", "consistency"}));
}

TEST_F(LossGradient, WhatTheLossNeedsMustBeThere) {
  const auto refusal = [&](const StepInput& input, const LossOptions& options) {
    const auto values = network_->loss_and_gradients(input, options);
    return values ? std::string() : values.error().message;
  };
  LossOptions options;
  options.consistency = 1;
  EXPECT_NE(refusal({batch_.images, batch_.labels, {}, {}, {}}, options).find("second view"), std::string::npos);
  options = {};
  options.boundary = 1;
  EXPECT_NE(refusal({batch_.images, batch_.labels, {}, {}, {}}, options).find("masks"), std::string::npos);
  const auto bare = make_train_network(config_, start_, all_groups());
  EXPECT_NE(bare->loss_and_gradients(batch_.input(), options).error().message.find("boundary_head.0.weight"),
            std::string::npos);
}

// One forward pass moves the running statistics, whatever the loss looks at.
TEST_F(LossGradient, RunningStatisticsFollowTheWeakViewOnce) {
  const auto statistics = [&] {
    TensorMap found;
    for (const ParameterSpec& spec : network_parameters(config_))
      if (spec.kind != ParameterKind::weight) found[spec.name] = network_->tensors().at(spec.name);
    return found;
  };
  const auto equal = [](const TensorMap& a, const TensorMap& b) {
    for (const auto& [name, tensor] : a)
      if (!std::ranges::equal(tensor.bytes, b.at(name).bytes)) return false;
    return true;
  };
  const TensorMap before = statistics();
  ASSERT_TRUE(network_->forward(batch_.images, kSamples, Mode::train));
  const TensorMap once = statistics();
  EXPECT_FALSE(equal(before, once));
  LossOptions options;
  options.consistency = 1;
  ASSERT_TRUE(network_->load(start_));
  step(options, Compute::f32);
  EXPECT_TRUE(equal(statistics(), once));
  options.statistics = Statistics::keep;
  ASSERT_TRUE(network_->load(start_));
  for (const Compute compute : {Compute::f32, Compute::f64, Compute::bf16}) step(options, compute);
  EXPECT_TRUE(equal(statistics(), before));
}

// Each key of the configuration's "loss", and what it needs beside it, changes the loss.
TEST_F(LossGradient, NoKeyOfTheConfigurationIsInert) {
  const auto loss_of = [&](const std::vector<std::string>& set) {
    const auto config = parse_run_config("{}", "test", set);
    if (!config) throw std::runtime_error(config.error().message);
    LossOptions options = config->loss;
    options.epoch = 1.5;
    return step(options).loss;
  };
  const std::vector<std::pair<std::vector<std::string>, std::string>> keys = {
      {{}, "label_smoothing=0.1"},
      {{}, "alignment=0.1"},
      {{}, "uniformity=0.5"},
      {{}, "mask=20"},
      {{}, "boundary=20"},
      {{}, "patch_contrast=2"},
      {{"loss.patch_contrast=2"}, "patch_temperature=0.3"},
      {{}, "consistency=0.5"},
      {{"loss.consistency=0.5"}, "consistency_ramp_epochs=5"},
  };
  for (auto [base, key] : keys) {
    const double before = loss_of(base);
    base.push_back("loss." + key);
    EXPECT_GT(std::abs(loss_of(base) - before), 1e-6) << key;
  }
}

TEST(LossOptions, ConsistencyIsRampedUp) {
  LossOptions options;
  options.consistency = 0.5;
  EXPECT_EQ(consistency_weight(options), 0.0);
  options.epoch = 1.5;
  EXPECT_EQ(consistency_weight(options), 0.25);
  options.epoch = 7;
  EXPECT_EQ(consistency_weight(options), 0.5);
  options.consistency_ramp_epochs = 0;
  options.epoch = 0;
  EXPECT_EQ(consistency_weight(options), 0.5);
}

TEST(LossOptions, RangesAreHeld) {
  const auto message = [](const std::vector<std::string>& set) {
    const auto config = parse_run_config("{}", "test", set);
    return config ? std::string() : config.error().message;
  };
  for (const char* key :
       {"alignment", "uniformity", "mask", "boundary", "patch_contrast", "svd_orthogonality", "svd_norm", "consistency",
        "consistency_ramp_epochs", "label_smoothing", "patch_temperature"}) {
    const std::string name = std::string("loss.") + key;
    EXPECT_NE(message({name + "=-1"}).find(name), std::string::npos) << key;
    EXPECT_NE(message({name + "=1e9"}).find(name), std::string::npos) << key;
  }
  EXPECT_NE(message({"loss.maks=1"}).find("did you mean \"loss.mask\"?"), std::string::npos);
  EXPECT_NE(message({"loss.patch_temperature=0"}).find("0.01"), std::string::npos);
  EXPECT_NE(message({"tuning=layernorm", "loss.mask=1"}).find("network.lsa"), std::string::npos);
  EXPECT_NE(message({"tuning=lora:1", "loss.svd_norm=1"}).find("tuning svd:R"), std::string::npos);
}

// Everything on at once still learns, with either rule under SAM.
TEST(AllLosses, FallTogether) {
  set_torch_threads(1);
  const NetworkConfig config = small_config();
  const auto network = make_train_network(config, hash_weights(config), adapter_groups());
  LossOptions losses = all_losses();
  add_heads(*network, losses);
  OptimizerOptions options;
  options.rule = Rule::adamw;
  options.sam_rho = 0.05;
  const auto optimizer = Optimizer::create(*network, options);
  const MadeBatch batch = made_batch(config, 8);
  std::map<std::string, std::vector<double>> terms;
  std::vector<double> sums;
  for (int i = 0; i < 25; ++i) {
    losses.statistics = Statistics::update;
    const auto values = network->loss_and_gradients(batch.input(), losses);
    ASSERT_TRUE(values) << values.error().message;
    for (const LossTerm& term : values->terms) terms[term.name].push_back(term.value);
    sums.push_back(values->loss);
    losses.statistics = Statistics::keep;
    const auto norm = (*optimizer)->step(2e-3, [&]() -> Status {
      DFA_ASSIGN_OR_RETURN(const LossValues again, network->loss_and_gradients(batch.input(), losses));
      return check_finite(again);
    });
    ASSERT_TRUE(norm) << norm.error().message;
  }
  EXPECT_LT(sums.back(), 0.5 * sums.front());
  for (const char* name : {"cross_entropy", "mask", "boundary", "patch_contrast"})
    EXPECT_LT(terms.at(name).back(), 0.7 * terms.at(name).front()) << name;
}

}  // namespace
}  // namespace dfa::test
