#include "train/nets/tuning.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "base/rng.hpp"
#include "nn/network.hpp"
#include "support/close.hpp"
#include "train/nets/factors.hpp"
#include "train/nets/init.hpp"
#include "train/nets/smallest_directions.hpp"
#include "train/nets/start_weights.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/gradient_check.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::HasSubstr;

constexpr const char* kWords[] = {"linear",         "full",        "gba",      "lsa",   "gba+lsa",
                                  "layernorm",      "bias",        "lora:2",   "svd:2", "gba+lsa+layernorm",
                                  "layernorm+bias", "bias+lora:1", "gba+svd:1"};

Tuning tuning_of(const std::string& word) {
  const auto tuning = parse_tuning(word);
  EXPECT_TRUE(tuning) << (tuning ? "" : tuning.error().message);
  return tuning ? *tuning : Tuning{};
}

// Small enough for a hundred steps of every word.
NetworkConfig tiny_config(const Tuning& tuning) {
  NetworkConfig config = default_network(tuning);
  make_tiny(config);
  config.dim = 16;
  return config;
}

TensorMap start_of(const NetworkConfig& config, const Tuning& tuning) {
  TensorMap weights = hash_weights(config);
  const Status added = add_factors(config, tuning, 5, weights);
  EXPECT_TRUE(added) << added.error().message;
  return weights;
}

struct Losses {
  double first = 0, last = 0;
};

Losses take_steps(TrainNetwork& network, const NetworkConfig& config, int steps) {
  Losses losses;
  OptimizerOptions options;
  options.weight_decay = 0;  // only a gradient may change a tensor
  const auto optimizer = Optimizer::create(network, options);
  EXPECT_TRUE(optimizer);
  const std::vector<float> images = hash_images(config, 4);
  for (int i = 0; optimizer && i < steps; ++i) {
    const auto step = network.loss_and_gradients(images, alternating_labels(4), {});
    EXPECT_TRUE(step && (*optimizer)->step(0.01));
    if (!step) break;
    (i == 0 ? losses.first : losses.last) = step->loss;
  }
  return losses;
}

bool same(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(a.bytes, b.bytes);
}

TEST(TuningWords, ReadBackToThemselves) {
  for (const std::string word : kWords) {
    EXPECT_EQ(tuning_word(tuning_of(word)), word);
    EXPECT_EQ(tuning_of(tuning_word(tuning_of(word))), tuning_of(word));
  }
  EXPECT_EQ(tuning_word(tuning_of("layernorm+lsa+gba")), "gba+lsa+layernorm");
  EXPECT_EQ(Tuning{}, tuning_of("gba+lsa"));
}

TEST(TuningWords, WhatMakesNoSenseIsRefused) {
  const auto message = [](std::string_view word) {
    const auto tuning = parse_tuning(word);
    if (tuning) return "(was read as " + tuning_word(*tuning) + ")";
    EXPECT_EQ(tuning.error().code, ErrorCode::usage);
    return tuning.error().message;
  };
  EXPECT_THAT(message("layernrom"), HasSubstr("did you mean \"layernorm\"?"));
  EXPECT_THAT(message(""), HasSubstr("is not known"));
  EXPECT_THAT(message("gba+"), HasSubstr("is not known"));
  EXPECT_THAT(message("gba+gba"), HasSubstr("twice"));
  EXPECT_THAT(message("full+gba"), HasSubstr("stands alone"));
  EXPECT_THAT(message("bias+linear"), HasSubstr("stands alone"));
  EXPECT_THAT(message("lora:2+svd:1"), HasSubstr("two low-rank changes"));
  for (const char* rank : {"lora", "lora:", "lora:0", "svd:x", "svd:2x", "lora:-1", "lora:1025"})
    EXPECT_THAT(message(rank), HasSubstr("expected a whole number from 1 to 1024")) << rank;
}

TEST(TuningWords, MustFitTheNetwork) {
  const auto message = [](const std::string& word, NetworkConfig network) {
    const Status status = check_tuning(tuning_of(word), network);
    return status ? std::string("(fits)") : status.error().message;
  };
  NetworkConfig network;
  EXPECT_EQ(message("gba+lsa", network), "(fits)");
  EXPECT_EQ(message("full", network), "(fits)");
  EXPECT_THAT(message("layernorm", network), HasSubstr("--set network.gba=false"));
  EXPECT_THAT(message("gba", network), HasSubstr("the network has lsa"));
  network.gba = false;
  EXPECT_THAT(message("gba+lsa", network), HasSubstr("trains gba, which this network has not"));
  network.lsa = false;
  EXPECT_EQ(message("svd:767", network), "(fits)");
  EXPECT_THAT(message("svd:768", network), HasSubstr("not below dim 768"));
}

// Published figures and those that follow from the shapes, for ViT-B/16 with two classes.
TEST(TuningCounts, OfVitB16AreExact) {
  constexpr std::int64_t kTrunk = 85'798'656, kHead = 1'538, kGba = 1'189'644, kLsa = 1'529'408 + 14'194'944 + 2'304;
  constexpr std::int64_t kLowRankOne = 12 * 4 * 2 * 768;
  const std::map<std::string, std::int64_t> expected = {{"linear", kHead},
                                                        {"full", kTrunk + kHead},
                                                        {"gba", kGba + kHead},
                                                        {"lsa", kLsa + kHead},
                                                        {"gba+lsa", 16'917'838},
                                                        {"layernorm", 38'400 + kHead},
                                                        {"bias", 12 * 8'448 + 768 + 768 + kHead},
                                                        {"gba+lsa+layernorm", 16'917'838 + 38'400},
                                                        {"lora:1", kLowRankOne + kHead},
                                                        {"lora:8", 8 * kLowRankOne + kHead},
                                                        {"svd:1", kLowRankOne + 48 + kHead}};
  for (const auto& [word, count] : expected) {
    const Tuning tuning = tuning_of(word);
    const TrainedCounts counts = count_trained(default_network(tuning), tuning);
    EXPECT_EQ(counts.trained, count) << word;
    if (tuning.low_rank == LowRank::none) {
      EXPECT_EQ(counts.trained + counts.frozen,
                kTrunk + kHead + (default_network(tuning).gba ? kGba : 0) + (default_network(tuning).lsa ? kLsa : 0))
          << word;
    }
  }
  EXPECT_EQ(counts_text(count_trained(NetworkConfig{}, Tuning{})),
            "16917838 trained (gba 1189644, spm 1529408, interaction 14194944, level_embed 2304, head 1538), 85798656 "
            "frozen");
}

// Effort's own figure: 24 * 4 * (1024 * 2 + 1).
TEST(TuningCounts, OfTheResidualOfALargeTrunk) {
  const Tuning tuning = tuning_of("svd:1");
  NetworkConfig config = default_network(tuning);
  config.dim = 1024;
  config.depth = 24;
  EXPECT_EQ(count_trained(config, tuning).trained_by_group.at(ParameterGroup::trunk), 196'704);
}

TEST(TuningCounts, QueryPoolingIsNarrow) {
  NetworkConfig config;
  const std::int64_t plain = count_trained(config, {}).trained;
  config.readout = Readout::query;
  for (const int queries : {1, 4, 16}) {
    config.queries = queries;
    const std::int64_t more = count_trained(config, {}).trained - plain;
    EXPECT_EQ(more, 74'560 + 32 * queries);
    EXPECT_LT(more, 100'000);
  }
  config.readout = Readout::token0;
  config.readout_norm = ReadoutNorm::own;
  EXPECT_EQ(count_trained(config, {}).trained - plain, 2 * 768);
}

class EveryWord : public testing::TestWithParam<const char*> {};

// Recomputed stages run twice, with the same results; also where nothing before a stage asks for a gradient.
TEST_P(EveryWord, LearnsTheSameToTheBitWhereStagesAreRecomputed) {
  const Tuning tuning = tuning_of(GetParam());
  const NetworkConfig config = tiny_config(tuning);
  const std::vector<float> images = hash_images(config, 4);
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    std::vector<TensorMap> gradients;
    std::vector<double> losses;
    for (const Recompute what : {Recompute::nothing, Recompute::stages}) {
      const auto network = make_train_network(config, start_of(config, tuning), tuning, AttentionPath::matrices);
      network->set_recompute(what);
      const auto step = network->loss_and_gradients(images, alternating_labels(4), {.compute = compute});
      ASSERT_TRUE(step) << step.error().message;
      losses.push_back(step->loss);
      gradients.push_back(network->gradients());
    }
    EXPECT_EQ(losses[0], losses[1]);
    ASSERT_EQ(gradients[0].size(), gradients[1].size());
    EXPECT_FALSE(gradients[0].empty());
    for (const auto& [name, tensor] : gradients[0]) EXPECT_TRUE(same(tensor, gradients[1].at(name))) << name;
  }
}

// A hundred steps change exactly the tensors that the word names, and no bit of any other.
TEST_P(EveryWord, ChangesWhatItNamesAndNothingElse) {
  const Tuning tuning = tuning_of(GetParam());
  const NetworkConfig config = tiny_config(tuning);
  ASSERT_TRUE(check_tuning(tuning, config));
  const TensorMap before = start_of(config, tuning);
  const auto network = make_train_network(config, before, tuning);
  const Losses losses = take_steps(*network, config, 100);
  EXPECT_LT(losses.last, 0.9 * losses.first) << "nothing was learnt";
  const TensorMap after = network->tensors();
  ASSERT_EQ(after.size(), before.size());
  std::size_t changed = 0;
  for (const ParameterSpec& spec : training_parameters(config, tuning)) {
    if (spec.kind != ParameterKind::weight) {
      EXPECT_FALSE(same(before.at(spec.name), after.at(spec.name))) << spec.name << ": statistics follow the batches";
      continue;
    }
    changed += learns(tuning, spec) ? 1 : 0;
    // The head's batch norm takes off what the last norm's bias adds: it learns, by rounding errors or not at all.
    if (spec.name == "norm.bias" && learns(tuning, spec)) continue;
    EXPECT_NE(same(before.at(spec.name), after.at(spec.name)), learns(tuning, spec)) << spec.name;
  }
  EXPECT_EQ(changed, network->trained_names().size());
  const TrainedCounts counts = network->counts(), expected = count_trained(config, tuning);
  EXPECT_EQ(counts.trained, expected.trained);
  EXPECT_EQ(counts.frozen, expected.frozen);
  EXPECT_EQ(counts.trained_by_group, expected.trained_by_group);
}
INSTANTIATE_TEST_SUITE_P(Words, EveryWord, testing::ValuesIn(kWords));

TEST(TuningNames, AreThoseOfTheWord) {
  const auto names = [](const std::string& word) {
    const Tuning tuning = tuning_of(word);
    std::vector<std::string> learning;
    NetworkConfig config = tiny_config(tuning);
    config.depth = 1;
    config.stages = {{0, 0}};
    for (const ParameterSpec& spec : training_parameters(config, tuning))
      if (learns(tuning, spec)) learning.push_back(spec.name);
    return learning;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("linear"), (Names{"head.1.weight", "head.1.bias"}));
  EXPECT_EQ(names("layernorm"),
            (Names{"blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.norm2.weight", "blocks.0.norm2.bias",
                   "norm.weight", "norm.bias", "head.1.weight", "head.1.bias"}));
  EXPECT_EQ(names("bias"), (Names{"patch_embed.proj.bias", "blocks.0.norm1.bias", "blocks.0.attn.qkv.bias",
                                  "blocks.0.attn.proj.bias", "blocks.0.norm2.bias", "blocks.0.mlp.fc1.bias",
                                  "blocks.0.mlp.fc2.bias", "norm.bias", "head.1.weight", "head.1.bias"}));
  EXPECT_EQ(names("svd:1"), (Names{"head.1.weight", "head.1.bias", "blocks.0.attn.qkv.svd_u", "blocks.0.attn.qkv.svd_s",
                                   "blocks.0.attn.qkv.svd_v", "blocks.0.attn.proj.svd_u", "blocks.0.attn.proj.svd_s",
                                   "blocks.0.attn.proj.svd_v"}));
}

class LowRankChange : public testing::TestWithParam<const char*> {
 protected:
  const Tuning tuning_ = tuning_of(GetParam());
  const NetworkConfig config_ = tiny_config(tuning_);
  const TensorMap start_ = start_of(config_, tuning_);
};

TEST_P(LowRankChange, ChangesNothingBeforeTheFirstStep) {
  const std::vector<float> images = hash_images(config_, 3);
  const auto plain = make_train_network(config_, hash_weights(config_), Tuning{ParameterGroup::head});
  const auto tuned = make_train_network(config_, start_, tuning_);
  const auto want = plain->forward(images, 3, Mode::eval), got = tuned->forward(images, 3, Mode::eval);
  ASSERT_TRUE(want && got);
  EXPECT_EQ(got->logits, want->logits);
  const auto merged = merge_factors(config_, tuning_, start_);
  ASSERT_TRUE(merged) << merged.error().message;
  for (const auto& [name, tensor] : hash_weights(config_)) EXPECT_TRUE(same(merged->at(name), tensor)) << name;
}

// The exported network is the trained one, in every engine and on every attention path.
TEST_P(LowRankChange, MergedWeightsGiveTheTrainedLogits) {
  constexpr int kImages = 3;
  const std::vector<float> images = hash_images(config_, kImages);
  const auto network = make_train_network(config_, start_, tuning_);
  take_steps(*network, config_, 30);
  const auto merged = merge_factors(config_, tuning_, network->tensors());
  ASSERT_TRUE(merged) << merged.error().message;
  const auto trained = network->forward(images, kImages, Mode::eval);
  const auto before = make_train_network(config_, start_, tuning_)->forward(images, kImages, Mode::eval);
  ASSERT_TRUE(trained && before);
  EXPECT_FALSE(expect_close(trained->feature, before->feature, {.absolute = 1e-3})) << "nothing was learnt";
  for (const Precision precision : {Precision::ref, Precision::f32}) {
    const auto engine = make_network(config_, *merged, {.precision = precision, .threads = 1});
    ASSERT_TRUE(engine) << engine.error().message;
    std::vector<float> logits(trained->logits.size());
    ASSERT_TRUE((*engine)->forward(images, kImages, {logits, {}}));
    EXPECT_TRUE(expect_close(logits, trained->logits, {.absolute = 1e-5, .relative = 1e-5}));
  }
}

TEST_P(LowRankChange, Bf16StaysNearF32) {
  const std::vector<float> images = hash_images(config_, 4);
  const auto network = make_train_network(config_, start_, tuning_, AttentionPath::matrices);
  take_steps(*network, config_, 10);
  const auto wide = network->forward(images, 4, Mode::eval),
             narrow = network->forward(images, 4, Mode::eval, Compute::bf16);
  ASSERT_TRUE(wide && narrow);
  EXPECT_TRUE(expect_close(narrow->feature, wide->feature, {.absolute = 0.1, .relative = 0.05}));  // bf16 keeps 8 bits
  ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(4), {.compute = Compute::bf16}));
  const TensorMap gradients = network->gradients();
  for (const std::string& name : network->trained_names())
    EXPECT_TRUE(std::isfinite(norm_of(gradients.at(name)))) << name;
}

TEST_P(LowRankChange, GradientsAgreeWithDifferences) {
  TensorMap weights = start_;
  for (auto& [name, tensor] : weights) {  // away from B = 0, where A has no gradient
    if (!name.ends_with("lora_b")) continue;
    std::vector<float> values = *tensor.to_f32();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.02F * static_cast<float>(i % 7) - 0.05F;
    tensor = Tensor::from_f32(tensor.shape, values);
  }
  const auto network = make_train_network(config_, weights, tuning_, AttentionPath::matrices);
  const std::vector<float> images = hash_images(config_, 4);
  for (const std::string& name : network->trained_names()) {
    const double error = gradient_error(*network, weights, images, 4, name);
    EXPECT_LT(error, 1e-5) << name;
  }
}
INSTANTIATE_TEST_SUITE_P(Ranks, LowRankChange, testing::Values("lora:1", "lora:3", "svd:1", "svd:3"));

// U0 S0 V0 is what the smallest singular values carry: V0's rows are orthonormal, and the principal part W - U0 S0 V0
// sends them to zero.
TEST(SmallestDirections, AreLeftOutOfThePrincipalPart) {
  constexpr int kSide = 16, kRank = 3;
  const Tensor weight = hash_weights(tiny_config(Tuning{ParameterGroup::head})).at("blocks.0.attn.proj.weight");
  const std::vector<float> w = *weight.to_f32();
  const auto d = smallest_directions(w, kSide, kSide, kRank);
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_GE(d->s[0], d->s[1]);
  EXPECT_GE(d->s[1], d->s[2]);
  const auto at = [&](const std::vector<float>& m, int row, int column, int width) {
    return static_cast<double>(m[static_cast<std::size_t>(row * width + column)]);
  };
  for (int a = 0; a < kRank; ++a) {
    for (int b = 0; b < kRank; ++b) {
      double dot = 0;
      for (int i = 0; i < kSide; ++i) dot += at(d->v, a, i, kSide) * at(d->v, b, i, kSide);
      EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-6);
    }
    for (int row = 0; row < kSide; ++row) {
      double sent = 0;
      for (int i = 0; i < kSide; ++i) {
        double residual = 0;
        for (int r = 0; r < kRank; ++r)
          residual += at(d->u, row, r, kRank) * d->s[static_cast<std::size_t>(r)] * at(d->v, r, i, kSide);
        sent += (at(w, row, i, kSide) - residual) * at(d->v, a, i, kSide);
      }
      EXPECT_NEAR(sent, 0, 1e-5);
    }
  }
}

// The regularisers of the residual against the whole singular vectors and the whole weight, multiplied out.
class ResidualTerms : public testing::Test {
 protected:
  static constexpr int kRank = 2;
  using Matrix = std::vector<double>;  // (D, D), or (D, R) where said

  ResidualTerms() : tuning_(tuning_of("svd:2")), config_(tiny_config(tuning_)), start_(start_of(config_, tuning_)) {
    set_torch_threads(1);
    moved_ = start_;
    for (const ParameterSpec& spec : factor_parameters(config_, tuning_)) {
      if (!learns(tuning_, spec)) continue;
      RngStream stream(3, spec.name);
      std::vector<float> values = *start_.at(spec.name).to_f32();
      for (float& value : values) value += static_cast<float>(0.1 * stream.normal());
      moved_[spec.name] = Tensor::from_f32(spec.shape, values);
    }
  }

  // Rows [first, first + rows) of a tensor with `columns` columns.
  static Matrix rows_of(const TensorMap& weights, const std::string& name, int first, int rows, int columns) {
    const std::vector<float> all = *weights.at(name).to_f32();
    const auto begin = all.begin() + first * columns;
    return {begin, begin + rows * columns};
  }
  double square(const Matrix& m) const {
    double sum = 0;
    for (const double value : m) sum += value * value;
    return sum;
  }
  // |t^T t - I|^2 of t (D, D).
  double away(const std::function<double(int row, int column)>& t) const {
    double sum = 0;
    for (int a = 0; a < config_.dim; ++a)
      for (int b = 0; b < config_.dim; ++b) {
        double dot = a == b ? -1 : 0;
        for (int i = 0; i < config_.dim; ++i) dot += t(i, a) * t(i, b);
        sum += dot * dot;
      }
    return sum;
  }
  // Both terms of one of the matrices of a layer.
  std::pair<double, double> terms_of(const TensorMap& weights, const std::string& layer, int part) const {
    const int d = config_.dim, kept = d - kRank;
    const Matrix w = rows_of(weights, layer + ".weight", part * d, d, d);
    const Matrix u = rows_of(weights, layer + ".svd_u", part * d, d, kRank),
                 v = rows_of(weights, layer + ".svd_v", part * kRank, kRank, d),
                 s = rows_of(weights, layer + ".svd_s", part * kRank, kRank, 1);
    const std::vector<float> narrow(w.begin(), w.end());
    const Directions all = *smallest_directions(narrow, d, d, d);
    const auto at = [](const auto& m, int row, int column, int width) {
      return static_cast<double>(m[static_cast<std::size_t>(row * width + column)]);
    };
    const double orthogonality =
        away([&](int i, int c) { return c < kept ? at(all.u, i, c, d) : at(u, i, c - kept, kRank); }) +
        away([&](int i, int c) { return c < kept ? at(all.v, c, i, d) : at(v, c - kept, i, d); });
    Matrix changed(w.size());
    for (int i = 0; i < d; ++i)
      for (int j = 0; j < d; ++j) {
        double sum = 0;
        for (int c = 0; c < kept; ++c) sum += at(all.u, i, c, d) * at(all.s, c, 0, 1) * at(all.v, c, j, d);
        for (int c = 0; c < kRank; ++c) sum += at(u, i, c, kRank) * at(s, c, 0, 1) * at(v, c, j, d);
        changed[static_cast<std::size_t>(i * d + j)] = sum;
      }
    return {orthogonality, std::abs(square(changed) - square(w))};
  }
  LossOptions only(double LossOptions::*weight, double value) const {
    LossOptions options;
    options.compute = Compute::f64;
    options.*weight = value;
    return options;
  }

  const Tuning tuning_;
  const NetworkConfig config_;
  const TensorMap start_;
  TensorMap moved_;
};

TEST_F(ResidualTerms, AreThoseOfTheWholeMatrices) {
  double orthogonality = 0, norm = 0;
  int matrices = 0;
  for (int block = 0; block < config_.depth; ++block)
    for (const auto& [layer, parts] : {std::pair("qkv", 3), {"proj", 1}})
      for (int part = 0; part < parts; ++part, ++matrices) {
        const auto [one, other] = terms_of(moved_, fmt::format("blocks.{}.attn.{}", block, layer), part);
        orthogonality += one;
        norm += other;
      }
  LossOptions options;
  options.compute = Compute::f64;
  options.svd_orthogonality = 2;
  options.svd_norm = 3;
  const auto network = make_train_network(config_, moved_, tuning_);
  const std::vector<float> images = hash_images(config_, 4);
  const auto values = network->loss_and_gradients(images, alternating_labels(4), options);
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(values->terms.size(), 3U);
  // Factors and singular vectors are f32: a few units of 6e-8 of sums over 16 x 16.
  EXPECT_EQ(values->terms[1].name, "svd_orthogonality");
  EXPECT_NEAR(values->terms[1].value, orthogonality / matrices, 1e-5 * orthogonality / matrices);
  EXPECT_EQ(values->terms[2].name, "svd_norm");
  EXPECT_NEAR(values->terms[2].value, norm / matrices, 1e-4 * norm / matrices);
  EXPECT_NEAR(values->loss, values->terms[0].value + 2 * values->terms[1].value + 3 * values->terms[2].value, 1e-12);
  ASSERT_TRUE(network->load(start_));
  const auto first = network->loss_and_gradients(images, alternating_labels(4), options);
  EXPECT_NEAR(first->terms[1].value, 0, 1e-9) << "the residual starts as it was found";
  EXPECT_NEAR(first->terms[2].value, 0, 1e-5);
}

TEST_F(ResidualTerms, HaveTheGradientsOfTheLoss) {
  const auto network = make_train_network(config_, moved_, tuning_);
  const std::vector<float> images = hash_images(config_, 2);
  for (const auto weight : {&LossOptions::svd_orthogonality, &LossOptions::svd_norm})
    for (const char* end : {"svd_u", "svd_s", "svd_v"}) {
      if (weight == &LossOptions::svd_orthogonality && std::string(end) == "svd_s") continue;  // it has no part in it
      const std::string name = std::string("blocks.1.attn.qkv.") + end;
      EXPECT_LT(gradient_error(*network, moved_, images, 2, name, 6, only(weight, 100)), 1e-4) << name;
    }
}

// Each of them pulls back what it is about.
TEST_F(ResidualTerms, HoldTheResidualWhileItLearns) {
  const auto drift = [&](double LossOptions::*weight, double value) {
    const auto network = make_train_network(config_, start_, tuning_);
    OptimizerOptions plain;
    plain.rule = Rule::adamw;
    plain.weight_decay = 0;
    const auto optimizer = Optimizer::create(*network, plain);
    const std::vector<float> images = hash_images(config_, 4);
    LossOptions options = only(weight, value);
    options.compute = Compute::f32;
    double last = 0;
    for (int i = 0; i < 30; ++i) {
      const auto values = network->loss_and_gradients(images, alternating_labels(4), options);
      EXPECT_TRUE(values && (*optimizer)->step(0.01));
      last = values->terms[1].value;
    }
    return last;
  };
  constexpr double kFaint = 1e-9;  // asked for, and of no weight: the term is only measured
  for (const auto weight : {&LossOptions::svd_orthogonality, &LossOptions::svd_norm})
    EXPECT_LT(drift(weight, 10), 0.2 * drift(weight, kFaint));
}

TEST(MergeFactors, IsStrict) {
  const Tuning tuning = tuning_of("lora:1");
  const NetworkConfig config = tiny_config(tuning);
  TensorMap weights = start_of(config, tuning);
  weights.erase("blocks.1.attn.qkv.lora_b");
  const auto merged = merge_factors(config, tuning, weights);
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::model_tensors);
  EXPECT_THAT(merged.error().message, HasSubstr("blocks.1.attn.qkv.lora_b"));
}

TEST(StartWeights, AnOwnReadoutNormBeginsAsTheTrunks) {
  const Tuning tuning = tuning_of("layernorm");
  NetworkConfig config = tiny_config(tuning);
  config.readout_norm = ReadoutNorm::own;
  const auto start = start_weights(config, tuning, 3, {});
  ASSERT_TRUE(start) << start.error().message;
  for (const char* end : {"weight", "bias"})
    EXPECT_TRUE(
        same(start->weights.at(std::string("readout_norm.") + end), start->weights.at(std::string("norm.") + end)));
  EXPECT_EQ(start->trunk_sha256.size(), 64U);
  EXPECT_EQ(start->trunk_sha256, trunk_sha256(config, start->weights));
}

TEST(TrunkHash, DependsOnTheTrunksValuesAlone) {
  const Tuning tuning = tuning_of("gba+lsa");
  const NetworkConfig config = tiny_config(tuning);
  TensorMap weights = hash_weights(config);
  const std::string hash = trunk_sha256(config, weights);
  std::vector<float> head = *weights.at("head.1.bias").to_f32();
  head[0] += 1;
  weights["head.1.bias"] = Tensor::from_f32({2}, head);
  EXPECT_EQ(trunk_sha256(config, weights), hash);
  TensorMap half = weights, widened = weights;
  half["norm.bias"] = convert_floats(weights.at("norm.bias"), Dtype::f16);
  widened["norm.bias"] = convert_floats(half.at("norm.bias"), Dtype::f32);
  EXPECT_EQ(trunk_sha256(config, half), trunk_sha256(config, widened));
  EXPECT_NE(trunk_sha256(config, half), hash);
}

}  // namespace
}  // namespace dfa::test
