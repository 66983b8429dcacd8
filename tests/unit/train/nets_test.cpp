#include <cmath>

#include "base/rng.hpp"
#include "eval/auc.hpp"
#include "nn/network.hpp"
#include "support/close.hpp"
#include "support/random_config.hpp"
#include "train/nets/init.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

TEST(TrainNetwork, VitB16HasThePublishedCounts) {
  const auto network = TrainNetwork::create(NetworkConfig{}, adapter_groups());
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ((*network)->counts().trained, 16'917'838);
  EXPECT_EQ((*network)->counts().frozen, 85'798'656);
}

TEST(TrainNetwork, GroupsDecideWhatLearnsAndNothingElse) {
  const NetworkConfig config = small_config();
  const auto head_only = make_train_network(config, hash_weights(config), {ParameterGroup::head});
  EXPECT_EQ(head_only->trained_names(), (std::vector<std::string>{"head.1.weight", "head.1.bias"}));
  EXPECT_EQ(head_only->counts().trained, 2 * config.dim + 2);
}

TEST(TrainNetwork, LoadIsStrictAndTensorsComeBack) {
  const NetworkConfig config = small_config();
  TensorMap weights = hash_weights(config);
  const auto network = make_train_network(config, weights, adapter_groups());
  const TensorMap back = network->tensors();
  ASSERT_EQ(back.size(), weights.size());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(std::ranges::equal(back.at(name).bytes, tensor.bytes)) << name;
  weights.erase("norm.bias");
  const Status missing = network->load(weights);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::model_tensors);
}

// The torch modules and the engine's plain loops are two hands' work on one page of formulas.
class RandomTrainConfig : public testing::TestWithParam<int> {};

TEST_P(RandomTrainConfig, TorchAgreesWithTheEngine) {
  constexpr int kImages = 2;
  // Both sum f32 products of up to 3,000 terms through at most 6 blocks; measured differences are below 5e-6.
  constexpr Tolerance kTolerance{.absolute = 3e-5, .relative = 3e-5};
  const NetworkConfig config = random_config(kRandomConfigSeed, GetParam());
  SCOPED_TRACE(describe(config));
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const auto engine = make_network(config, weights, {.precision = Precision::ref});
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<float> logits(static_cast<std::size_t>(kImages * config.classes)),
      feature(static_cast<std::size_t>(kImages * config.dim));
  ASSERT_TRUE((*engine)->forward(images, kImages, {logits, feature}));
  for (const AttentionPath attention : {AttentionPath::fused, AttentionPath::matrices, AttentionPath::published}) {
    const auto network = make_train_network(config, weights, adapter_groups(), attention);
    const auto values = network->forward(images, kImages, Mode::eval);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_TRUE(expect_close(values->feature, feature, kTolerance));
    EXPECT_TRUE(expect_close(values->logits, logits, kTolerance));
  }
}
INSTANTIATE_TEST_SUITE_P(Twenty, RandomTrainConfig, testing::Range(0, kRandomConfigs));

TEST(TrainNetwork, AtInitialisationTheTrunkIsThePlainVit) {
  const NetworkConfig config = small_config();
  NetworkConfig plain = config;
  plain.gba = plain.lsa = false;
  plain.readout = Readout::cls;
  const TensorMap weights = init_weights(config, 7);
  TensorMap plain_weights;
  for (const ParameterSpec& spec : network_parameters(plain)) plain_weights[spec.name] = weights.at(spec.name);

  const auto adapted = make_train_network(config, weights, adapter_groups());
  const auto vit = make_train_network(plain, plain_weights, adapter_groups());
  const std::vector<float> images = hash_images(config, 2);
  const auto with = adapted->stage_tokens(images, 2), without = vit->stage_tokens(images, 2);
  ASSERT_TRUE(with && without);
  ASSERT_EQ(with->size(), 3U);
  ASSERT_EQ(without->size(), 3U);
  for (std::size_t stage = 0; stage < 3; ++stage) EXPECT_EQ((*with)[stage], (*without)[stage]) << "stage " << stage;
}

TEST(TrainNetwork, AtInitialisationOnlyTheGatesOpen) {
  const NetworkConfig config = small_config();
  const auto network = make_train_network(config, init_weights(config, 7), adapter_groups());
  const auto step = network->loss_and_gradients(hash_images(config, 4), alternating_labels(4), {});
  ASSERT_TRUE(step) << step.error().message;
  const TensorMap gradients = network->gradients();
  int closed = 0, open = 0;
  for (const std::string& name : network->trained_names()) {
    const bool injector = name.find(".injector.") != std::string::npos, gate = name.ends_with("gamma");
    const bool behind_up = name.find("adaptor.down_proj") != std::string::npos || name.ends_with("adaptor.scale");
    const bool up = name.find("adaptor.up_proj") != std::string::npos;
    const double norm = norm_of(gradients.at(name));
    if ((injector && !gate) || behind_up) {
      EXPECT_EQ(norm, 0.0) << name;
      ++closed;
    } else if (gate || up) {
      EXPECT_GT(norm, 0.0) << name;
      ++open;
    }
  }
  EXPECT_EQ(closed, 3 * 8 + 6 * 3);
  EXPECT_EQ(open, 3 + 6 * 2);
}

TEST(TrainNetwork, FrozenTrunkStaysAsItWas) {
  const NetworkConfig config = small_config();
  const TensorMap weights = init_weights(config, 1);
  const auto network = make_train_network(config, weights, adapter_groups());
  const auto optimizer = Optimizer::create(*network, {});
  ASSERT_TRUE(optimizer);
  ASSERT_TRUE(network->loss_and_gradients(hash_images(config, 4), alternating_labels(4), {}));
  ASSERT_TRUE((*optimizer)->step(0.1));
  const TensorMap after = network->tensors();
  for (const ParameterSpec& spec : network_parameters(config)) {
    const bool same = std::ranges::equal(after.at(spec.name).bytes, weights.at(spec.name).bytes);
    if (spec.group == ParameterGroup::trunk) {
      EXPECT_TRUE(same) << spec.name;
    } else if (spec.name == "head.1.weight") {
      EXPECT_FALSE(same);
    }
  }
}

TEST(TrainNetwork, LearnsOneBatchByHeart) {
  const NetworkConfig config = small_config();
  const auto network = make_train_network(config, init_weights(config, 3), all_groups());
  OptimizerOptions options;
  options.rule = Rule::adamw;
  const auto optimizer = Optimizer::create(*network, options);
  ASSERT_TRUE(optimizer);
  const std::vector<float> images = hash_images(config, 8);
  const std::vector<std::int64_t> labels = alternating_labels(8);
  double first = 0, last = 0;
  for (int i = 0; i < 40; ++i) {
    const auto step = network->loss_and_gradients(images, labels, {});
    ASSERT_TRUE(step) << step.error().message;
    (i == 0 ? first : last) = step->loss;
    ASSERT_TRUE((*optimizer)->step(2e-3));
  }
  EXPECT_GT(first, 0.3);
  EXPECT_LT(last, 0.02);
}

// fp16's autocast is for GPUs; a processor has it too, slowly, and so it can be looked at.
TEST(TrainNetwork, Fp16StaysNearF32AndScaledGradientsPointWhereThoseOfF32Do) {
  const NetworkConfig config = small_config();
  const std::vector<float> images = hash_images(config, 4);
  std::vector<TensorMap> gradients;
  std::vector<std::vector<float>> logits;
  for (const LossOptions& options : {LossOptions{}, LossOptions{.compute = Compute::f16, .scale = 1024}}) {
    const auto network = make_train_network(config, hash_weights(config), all_groups(), AttentionPath::matrices);
    const auto step = network->loss_and_gradients(images, alternating_labels(4), options);
    ASSERT_TRUE(step) << step.error().message;
    logits.push_back(step->logits);
    gradients.push_back(network->gradients());
  }
  EXPECT_NE(logits[0], logits[1]);
  // fp16 keeps 11 bits, three more than bf16.
  EXPECT_TRUE(expect_close(logits[1], logits[0], {.absolute = 0.02, .relative = 0.01}));
  for (const std::string name : {"spm.stem.0.weight", "head.1.weight", "level_embed"})
    EXPECT_LE(relative_difference(gradients[1].at(name), gradients[0].at(name)), 0.05) << name;
}

TEST(TrainNetwork, Bf16StaysNearF32AndWeightsStayF32) {
  const NetworkConfig config = small_config();
  const std::vector<float> images = hash_images(config, 4);
  const auto network = make_train_network(config, hash_weights(config), adapter_groups(), AttentionPath::matrices);
  const auto wide = network->forward(images, 4, Mode::eval);
  const auto narrow = network->forward(images, 4, Mode::eval, Compute::bf16);
  ASSERT_TRUE(wide && narrow);
  EXPECT_NE(wide->logits, narrow->logits);
  // bf16 keeps 8 bits: 2^-8 a product, through some twenty layers.
  EXPECT_TRUE(expect_close(narrow->logits, wide->logits, {.absolute = 0.15, .relative = 0.05}));
  const auto again = network->forward(images, 4, Mode::eval);
  EXPECT_EQ(again->logits, wide->logits);
}

// A step of norm and linear layer has a backward pass of its own in bf16: each tensor's gradient points where that of
// f32 does, norms and biases included.
TEST(TrainNetwork, Bf16GradientsPointWhereThoseOfF32Do) {
  const NetworkConfig config = small_config();
  const std::vector<float> images = hash_images(config, 8);
  std::vector<TensorMap> gradients;
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    const auto network = make_train_network(config, hash_weights(config), all_groups(), AttentionPath::matrices);
    ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(8), {.compute = compute}));
    gradients.push_back(network->gradients());
  }
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  double whole_product = 0, whole_wide = 0, whole_narrow = 0;
  for (const auto& [name, tensor] : gradients[0]) {
    const std::vector<float> wide = *tensor.to_f32(), narrow = *gradients[1].at(name).to_f32();
    ASSERT_EQ(wide.size(), narrow.size()) << name;
    double product = 0, wide_square = 0, narrow_square = 0;
    for (std::size_t i = 0; i < wide.size(); ++i) {
      product += static_cast<double>(wide[i]) * narrow[i];
      wide_square += static_cast<double>(wide[i]) * wide[i];
      narrow_square += static_cast<double>(narrow[i]) * narrow[i];
    }
    whole_product += product;
    whole_wide += wide_square;
    whole_narrow += narrow_square;
    if (wide_square < 1e-8) continue;  // what nearly cancels is rounding alone
    EXPECT_GT(product / std::sqrt(wide_square * narrow_square), 0.95) << name;
  }
  EXPECT_GT(whole_product / std::sqrt(whole_wide * whole_narrow), 0.99);
  EXPECT_NEAR(std::sqrt(whole_narrow / whole_wide), 1, 0.05);
}

// Sixty-four noise crops whose labels follow no rule: only by heart.
TEST(TrainNetwork, OverfitsSixtyFourCrops) {
  constexpr int kCrops = 64, kMostSteps = 120;
  NetworkConfig config;
  make_tiny(config);
  const std::vector<float> images = hash_images(config, kCrops);
  std::vector<std::int64_t> labels;
  RngStream stream(5, "labels");
  for (int i = 0; i < kCrops; ++i) labels.push_back(static_cast<std::int64_t>(stream.below(2)));
  const std::vector<int> truth(labels.begin(), labels.end());
  const auto network = make_train_network(config, init_weights(config, 1), all_groups());
  OptimizerOptions options;
  options.rule = Rule::adamw;
  const auto optimizer = *Optimizer::create(*network, options);
  double auc = 0;
  for (int step = 0; step < kMostSteps && auc < 1; ++step) {
    const auto values = network->loss_and_gradients(images, labels, {});
    ASSERT_TRUE(values) << values.error().message;
    ASSERT_TRUE(optimizer->step(3e-3));
    std::vector<double> scores;
    for (int i = 0; i < kCrops; ++i)
      scores.push_back(values->logits[static_cast<std::size_t>(2 * i + 1)] -
                       values->logits[static_cast<std::size_t>(2 * i)]);
    auc = area_under_curve(scores, truth).value();
    if (step == 0) {
      EXPECT_LT(auc, 0.8);  // nothing is known beforehand
    }
  }
  EXPECT_EQ(auc, 1);
}

// Note [Frozen weights in bf16]: rounded for a bf16 step, whole again for everything else.
TEST(TrainNetwork, FrozenWeightsComeBackFromABf16StepBitForBit) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, 4);
  const auto network = make_train_network(config, weights, adapter_groups(), AttentionPath::matrices);
  const auto before = network->forward(images, 4, Mode::eval);
  for (int step = 0; step < 2; ++step) {
    ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(4), {.compute = Compute::bf16}));
    const TensorMap after = network->tensors();  // while they are narrow
    for (const ParameterSpec& spec : network_parameters(config))
      if (spec.kind == ParameterKind::weight) {
        EXPECT_TRUE(std::ranges::equal(after.at(spec.name).bytes, weights.at(spec.name).bytes)) << spec.name;
      }
  }
  ASSERT_TRUE(network->load(weights));
  EXPECT_EQ(network->forward(images, 4, Mode::eval)->logits, before->logits);
  // Other weights after a bf16 step: nothing of the old ones comes back.
  TensorMap other = weights;
  const std::string name = "blocks.0.mlp.fc1.weight";
  std::vector<float> values = *other.at(name).to_f32();
  for (float& value : values) value = -value;
  other[name] = Tensor::from_f32(other.at(name).shape, values);
  ASSERT_TRUE(network->forward(images, 4, Mode::eval, Compute::bf16));
  ASSERT_TRUE(network->load(other));
  ASSERT_TRUE(network->forward(images, 4, Mode::eval, Compute::bf16));
  EXPECT_TRUE(std::ranges::equal(network->tensors().at(name).bytes, other.at(name).bytes));
}

TEST(TrainNetwork, AttentionPathsHaveTheSameGradients) {
  const NetworkConfig config = small_config();
  const std::vector<float> images = hash_images(config, 4);
  std::vector<TensorMap> gradients;
  for (const AttentionPath path : {AttentionPath::fused, AttentionPath::matrices}) {
    const auto network = make_train_network(config, hash_weights(config), all_groups(), path);
    ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(4), {.compute = Compute::f64}));
    gradients.push_back(network->gradients());
  }
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  double largest = 0;
  for (const auto& [name, gradient] : gradients[0]) {
    std::vector<float> difference = *gradient.to_f32();
    const auto other = gradients[1].at(name).to_f32();
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= (*other)[i];
    EXPECT_LT(norm_of(Tensor::from_f32(gradient.shape, difference)), 1e-6 * norm_of(gradient) + 1e-12) << name;
    largest = std::max(largest, norm_of(gradient));
  }
  EXPECT_GT(largest, 0);
}

TEST(TrainNetwork, WideGradientsLeaveTheWeightsAlone) {
  const NetworkConfig config = small_config();
  TensorMap weights = hash_weights(config);
  const auto network = make_train_network(config, weights, adapter_groups());
  const std::vector<float> images = hash_images(config, 4);
  ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(4), {}));
  const TensorMap narrow = network->gradients();
  ASSERT_TRUE(network->load(weights));
  ASSERT_TRUE(
      network->loss_and_gradients(images, alternating_labels(4), {.label_smoothing = 0, .compute = Compute::f64}));
  const TensorMap wide = network->gradients(), after = network->tensors();
  ASSERT_EQ(wide.size(), narrow.size());
  for (const auto& [name, gradient] : wide) {
    std::vector<float> difference = *gradient.to_f32();
    const auto other = narrow.at(name).to_f32();
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= (*other)[i];
    EXPECT_LT(norm_of(Tensor::from_f32(gradient.shape, difference)), 1e-3 * norm_of(gradient)) << name;
  }
  for (const ParameterSpec& spec : network_parameters(config))
    if (spec.kind == ParameterKind::weight) {
      EXPECT_TRUE(std::ranges::equal(after.at(spec.name).bytes, weights.at(spec.name).bytes)) << spec.name;
    }
}

TEST(TrainNetwork, RefusesImagesAndLabelsThatDoNotFit) {
  const NetworkConfig config = small_config();
  const auto network = make_train_network(config, hash_weights(config), adapter_groups());
  std::vector<float> images = hash_images(config, 2);
  EXPECT_EQ(network->loss_and_gradients(images, std::vector<std::int64_t>{0, 2}, {}).error().code, ErrorCode::usage);
  images.pop_back();
  EXPECT_EQ(network->forward(images, 2, Mode::eval).error().code, ErrorCode::usage);
}

TEST(InitWeights, FollowTheMethodsTable) {
  const NetworkConfig config = small_config();
  const TensorMap weights = init_weights(config, 11);
  EXPECT_TRUE(check_weights(config, weights));
  const auto largest = [&](const std::string& name) {
    float most = 0;
    const auto values = weights.at(name).to_f32();
    for (const float value : *values) most = std::max(most, std::abs(value));
    return static_cast<double>(most);
  };
  const auto deviation = [&](const std::string& name) {
    return norm_of(weights.at(name)) / std::sqrt(static_cast<double>(weights.at(name).element_count()));
  };
  const double d = config.dim;
  EXPECT_NEAR(largest("blocks.0.adaptor.down_proj.weight"), 1 / std::sqrt(d), 0.02 / std::sqrt(d));
  EXPECT_LE(largest("blocks.0.adaptor.down_proj.weight"), 1 / std::sqrt(d));
  EXPECT_EQ(largest("blocks.0.adaptor.up_proj.weight"), 0.0);
  EXPECT_EQ(largest("interactions.1.injector.gamma"), 0.0);
  EXPECT_NEAR(largest("interactions.1.extractor.self_attn.in_proj_weight"), std::sqrt(6 / (4 * d)), 1e-3);
  EXPECT_NEAR(largest("interactions.1.extractor.self_attn.out_proj.weight"), std::sqrt(6 / (2 * d)), 2e-3);
  EXPECT_NEAR(deviation("spm.conv3.0.weight"), std::sqrt(2.0 / (9 * 4 * config.spm_width)), 3e-3);
  EXPECT_NEAR(deviation("spm.fc2.weight"), std::sqrt(2.0 / d), 2e-2);
  EXPECT_NEAR(deviation("level_embed"), 1.0, 0.2);
  EXPECT_NEAR(deviation("head.1.weight"), 0.01, 0.003);
  EXPECT_LE(largest("blocks.2.mlp.fc1.weight"), 0.04 + 1e-6);
  EXPECT_NEAR(deviation("blocks.2.mlp.fc1.weight"), 0.02 * 0.88, 5e-4);  // two-sigma truncation narrows by 0.88
  EXPECT_EQ(deviation("blocks.2.norm1.weight"), 1.0);
  EXPECT_EQ(deviation("head.0.running_var"), 1.0);
}

TEST(InitWeights, DependOnSeedAndNameOnly) {
  NetworkConfig config = small_config();
  const TensorMap first = init_weights(config, 5), other_seed = init_weights(config, 6);
  config.gba = false;  // taking tensors away must not shift the others
  const TensorMap fewer = init_weights(config, 5);
  EXPECT_TRUE(std::ranges::equal(first.at("spm.fc2.weight").bytes, fewer.at("spm.fc2.weight").bytes));
  EXPECT_FALSE(std::ranges::equal(first.at("spm.fc2.weight").bytes, other_seed.at("spm.fc2.weight").bytes));
}

}  // namespace
}  // namespace dfa::test
