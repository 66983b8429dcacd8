// Read-outs and heads: the same in training and in both engines, with gradients that differences confirm.
#include <cmath>

#include "nn/network.hpp"
#include "support/close.hpp"
#include "train/nets/init.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/gradient_check.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

struct Variant {
  Readout readout;
  ReadoutNorm norm;
  HeadKind head;
  bool lsa;
};

NetworkConfig config_of(const Variant& variant) {
  NetworkConfig config;
  make_tiny(config);
  config.gba = false;
  config.lsa = variant.lsa;
  config.readout = variant.readout;
  config.queries = 3;
  config.readout_norm = variant.norm;
  config.head = variant.head;
  return config;
}

constexpr Variant kVariants[] = {
    {Readout::token0, ReadoutNorm::own, HeadKind::batchnorm_linear, true},
    {Readout::cls, ReadoutNorm::own, HeadKind::l2_linear, false},
    {Readout::cls, ReadoutNorm::trunk, HeadKind::l2_linear, true},
    {Readout::level_mean, ReadoutNorm::own, HeadKind::l2_linear, true},
    {Readout::query, ReadoutNorm::trunk, HeadKind::batchnorm_linear, true},
    {Readout::query, ReadoutNorm::own, HeadKind::l2_linear, true},
    {Readout::query, ReadoutNorm::own, HeadKind::batchnorm_linear, false},
};

class ReadoutVariant : public testing::TestWithParam<Variant> {
 protected:
  const NetworkConfig config_ = config_of(GetParam());
  const TensorMap weights_ = hash_weights(config_);
};

TEST_P(ReadoutVariant, TrainingAndBothEnginesAgree) {
  constexpr int kImages = 3;
  // f32 sums of at most a hundred terms through two blocks, each rounding 6e-8 of values of order 1 to 10.
  constexpr Tolerance kTolerance{.absolute = 1e-5, .relative = 1e-5};
  const std::vector<float> images = hash_images(config_, kImages);
  const std::size_t logit_count = static_cast<std::size_t>(kImages * config_.classes),
                    feature_count = static_cast<std::size_t>(kImages * config_.dim);
  std::vector<float> want(logit_count), want_feature(feature_count);
  const auto ref = make_network(config_, weights_, {.precision = Precision::ref, .threads = 1});
  ASSERT_TRUE(ref) << ref.error().message;
  ASSERT_TRUE((*ref)->forward(images, kImages, {want, want_feature}));
  std::vector<float> logits(logit_count), feature(feature_count);
  const auto f32 = make_network(config_, weights_, {.precision = Precision::f32, .threads = 1});
  ASSERT_TRUE(f32) << f32.error().message;
  ASSERT_TRUE((*f32)->forward(images, kImages, {logits, feature}));
  EXPECT_TRUE(expect_close(logits, want, kTolerance));
  EXPECT_TRUE(expect_close(feature, want_feature, kTolerance));
  for (const AttentionPath path : {AttentionPath::fused, AttentionPath::matrices, AttentionPath::published}) {
    const auto network = make_train_network(config_, weights_, all_groups(), path);
    const auto values = network->forward(images, kImages, Mode::eval);
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_TRUE(expect_close(values->logits, want, kTolerance)) << attention_name(path);
    EXPECT_TRUE(expect_close(values->feature, want_feature, kTolerance)) << attention_name(path);
  }
}

TEST_P(ReadoutVariant, Bf16StaysNearF32) {
  const std::vector<float> images = hash_images(config_, 4);
  const auto network = make_train_network(config_, weights_, all_groups(), AttentionPath::matrices);
  const auto wide = network->forward(images, 4, Mode::eval),
             narrow = network->forward(images, 4, Mode::eval, Compute::bf16);
  ASSERT_TRUE(wide && narrow);
  EXPECT_NE(narrow->feature, wide->feature);
  EXPECT_TRUE(expect_close(narrow->feature, wide->feature, {.absolute = 0.1, .relative = 0.05}));  // bf16 keeps 8 bits
  const auto step = network->loss_and_gradients(images, alternating_labels(4), {.compute = Compute::bf16});
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_TRUE(std::isfinite(step->loss));
}

TEST_P(ReadoutVariant, GradientsAgreeWithDifferences) {
  const auto network = make_train_network(config_, weights_, all_groups(), AttentionPath::matrices);
  const std::vector<float> images = hash_images(config_, 4);
  std::vector<std::string> names = {"blocks.1.attn.proj.weight"};  // through the read-out, into the trunk
  for (const ParameterSpec& spec : network_parameters(config_))
    if (spec.group == ParameterGroup::head && spec.kind == ParameterKind::weight) names.push_back(spec.name);
  for (const std::string& name : names) {
    // What shifts every feature alike is taken away again by the batch's mean: such a bias has no gradient.
    const bool is_shift = name.starts_with("readout_") && name.ends_with("bias");
    if (is_shift && config_.head == HeadKind::batchnorm_linear)
      EXPECT_LT(norm_of(gradient_of(*network, weights_, images, 4, name)), 1e-12) << name;
    else
      EXPECT_LT(gradient_error(*network, weights_, images, 4, name), 1e-5) << name;
  }
}
INSTANTIATE_TEST_SUITE_P(All, ReadoutVariant, testing::ValuesIn(kVariants));

// No option is inert: each gives other logits.
TEST(Readouts, EachGivesItsOwnLogits) {
  std::vector<std::vector<float>> seen;
  for (const Variant& variant : kVariants) {
    const NetworkConfig config = config_of(variant);
    const auto network = make_train_network(config, hash_weights(config), all_groups());
    const auto values = network->forward(hash_images(config, 2), 2, Mode::eval);
    ASSERT_TRUE(values);
    for (const std::vector<float>& other : seen) EXPECT_NE(values->logits, other);
    seen.push_back(values->logits);
  }
}

TEST(Readouts, AnOwnNormThatEqualsTheTrunksChangesNothing) {
  const NetworkConfig own = config_of({Readout::query, ReadoutNorm::own, HeadKind::l2_linear, true}),
                      shared = config_of({Readout::query, ReadoutNorm::trunk, HeadKind::l2_linear, true});
  TensorMap weights = hash_weights(shared);
  const std::vector<float> images = hash_images(own, 2);
  const auto want = make_train_network(shared, weights, all_groups())->forward(images, 2, Mode::eval);
  for (const char* end : {"weight", "bias"})
    weights[std::string("readout_norm.") + end] = weights.at(std::string("norm.") + end);
  const auto got = make_train_network(own, weights, all_groups())->forward(images, 2, Mode::eval);
  ASSERT_TRUE(want && got);
  EXPECT_EQ(got->logits, want->logits);
}

// The order of the queries means nothing, and K equal queries are one.
TEST(QueryPooling, IsAMeanOverQueries) {
  const NetworkConfig three = config_of({Readout::query, ReadoutNorm::trunk, HeadKind::batchnorm_linear, true});
  NetworkConfig one = three;
  one.queries = 1;
  TensorMap weights = hash_weights(one);
  const std::vector<float> images = hash_images(one, 2);
  const auto want = make_train_network(one, weights, all_groups())->forward(images, 2, Mode::eval);
  const std::vector<float> query = *weights.at("readout_query.queries").to_f32();
  std::vector<float> repeated;
  for (int i = 0; i < 3; ++i) repeated.insert(repeated.end(), query.begin(), query.end());
  weights["readout_query.queries"] = Tensor::from_f32({3, kQueryWidth}, repeated);
  const auto got = make_train_network(three, weights, all_groups())->forward(images, 2, Mode::eval);
  ASSERT_TRUE(want && got);
  EXPECT_TRUE(expect_close(got->feature, want->feature, {.absolute = 1e-6, .relative = 1e-6}));
}

TEST(QueryPooling, QueriesDecayAsEmbeddingsDo) {
  const NetworkConfig config = config_of({Readout::query, ReadoutNorm::trunk, HeadKind::l2_linear, true});
  const auto after_a_step = [&](double weight_decay) {
    const auto network = make_train_network(config, hash_weights(config), all_groups());
    OptimizerOptions options;
    options.weight_decay = weight_decay;
    options.decay = Decay::matrices_only;
    const auto optimizer = Optimizer::create(*network, options);
    EXPECT_TRUE(optimizer);
    EXPECT_TRUE(network->loss_and_gradients(hash_images(config, 4), alternating_labels(4), {}));
    EXPECT_TRUE((*optimizer)->step(0.1));
    return network->tensors();
  };
  const TensorMap without = after_a_step(0), with = after_a_step(0.5);
  const auto same = [&](const std::string& name) {
    return std::ranges::equal(without.at(name).bytes, with.at(name).bytes);
  };
  EXPECT_TRUE(same("readout_query.queries"));
  EXPECT_FALSE(same("readout_query.kv.weight"));
}

TEST(QueryPooling, StartsWithVariedQueriesAndZeroBiases) {
  const NetworkConfig config = config_of({Readout::query, ReadoutNorm::trunk, HeadKind::batchnorm_linear, true});
  const TensorMap weights = init_weights(config, 11);
  const Tensor& queries = weights.at("readout_query.queries");
  EXPECT_NEAR(norm_of(queries) / std::sqrt(static_cast<double>(queries.element_count())), 1.0, 0.25);
  EXPECT_GT(norm_of(weights.at("readout_query.kv.weight")), 0.0);
  EXPECT_EQ(norm_of(weights.at("readout_query.kv.bias")), 0.0);
  EXPECT_EQ(norm_of(weights.at("readout_query.out.bias")), 0.0);
}

// |logit difference| is bounded by |w1 - w0| + |b1 - b0|, however long the feature is.
TEST(L2Head, BoundsTheLogits) {
  const NetworkConfig config = config_of({Readout::cls, ReadoutNorm::own, HeadKind::l2_linear, false});
  TensorMap weights = hash_weights(config);
  std::vector<float> large(static_cast<std::size_t>(config.dim), 1e4F);
  weights["readout_norm.weight"] = Tensor::from_f32({config.dim}, large);
  const auto values = make_train_network(config, weights, all_groups())->forward(hash_images(config, 4), 4, Mode::eval);
  ASSERT_TRUE(values);
  const std::vector<float> w = *weights.at("head.1.weight").to_f32(), b = *weights.at("head.1.bias").to_f32();
  double bound = 0;
  for (std::size_t i = 0; i < large.size(); ++i) bound += std::pow(w[large.size() + i] - w[i], 2);
  bound = std::sqrt(bound) + std::abs(b[1] - b[0]);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_LE(std::abs(values->logits[2 * i + 1] - values->logits[2 * i]), bound * (1 + 1e-6));
}

}  // namespace
}  // namespace dfa::test
