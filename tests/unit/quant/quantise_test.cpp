// From a wide model to int8 scales: which crops, which codes, how many sites stay wide; and trunks with outliers.
#include "quant/quantise_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "model/golden.hpp"
#include "quant/choose_codes.hpp"
#include "quant/choose_crops.hpp"
#include "quant/site_error.hpp"
#include "support/trunk_kinds.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

constexpr int kCrops = 6;
// Of networks of 24 to 64 channels, where few values average out what each errs; all sites and attention on codes.
constexpr double kFeatureBound = 0.04;

Model detector(const NetworkConfig& config) {
  Model model;
  model.config = config;
  model.weights = hash_weights(config);
  return model;
}

CropSource hash_crops(const NetworkConfig& config) {
  const std::size_t values = std::size_t{3} * static_cast<std::size_t>(config.image * config.image);
  return {.count = kCrops,
          .read = [images = hash_images(config, kCrops), values](std::size_t i, std::span<float> image) -> Status {
            std::ranges::copy(std::span(images).subspan(i * values, values), image.begin());
            return {};
          }};
}

QuantiseOptions options(double budget) {
  return {.budget = budget, .seed = 1, .threads = 1, .progress = {}};
}

// |a - b| / |b|, of whole vectors.
double distance(std::span<const float> a, std::span<const float> b) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(error / size);
}

NetworkOutput run(const Model& model, Precision precision, const Quantisation* codes = nullptr) {
  const auto network =
      make_network(model.config, model.weights, {.precision = precision, .threads = 1, .quantisation = codes});
  EXPECT_TRUE(network) << network.error().message;
  return run_network(**network, hash_images(model.config, kCrops), kCrops).value();
}

class QuantiseKinds : public testing::TestWithParam<test::TrunkKind> {};

TEST_P(QuantiseKinds, EverySiteGetsCodesThatKeepTheFeature) {
  for (const NetworkConfig& config : {GetParam().config, test::with_adapters(GetParam().config)}) {
    const Model model = detector(config);
    const auto quantised = quantise_model(model, hash_crops(config), options(1), {});
    ASSERT_TRUE(quantised) << quantised.error().message;
    EXPECT_TRUE(quantised->wide.empty());
    EXPECT_EQ(quantised->crops, kCrops);
    for (const QuantSite& site : quant_sites(config)) {
      ASSERT_TRUE(quantised->codes.contains(site.name)) << site.name;
      EXPECT_LT(quantised->figures.at(site.name).distortion, 5e-3) << site.name;
    }
    const NetworkOutput want = run(model, Precision::f32);
    EXPECT_LT(distance(run(model, Precision::int8, &quantised->codes).feature, want.feature), kFeatureBound);
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantiseKinds, testing::ValuesIn(test::trunk_kinds()),
                         [](const auto& kind) { return kind.param.name; });

// The entries [first, first + count) of the last (or, of a vector or a row of a matrix, first) axis, times a factor.
enum class Axis { first, last };
void multiply_channels(TensorMap& weights, const std::string& name, Axis axis, float inside, float outside) {
  constexpr std::size_t kOutliers = 8;
  const Tensor& tensor = weights.at(name);
  std::vector<float> values = tensor.to_f32().value();
  const auto channels = static_cast<std::size_t>(axis == Axis::first ? tensor.shape.front() : tensor.shape.back());
  const std::size_t step = axis == Axis::first ? values.size() / channels : 1;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= i / step % channels < kOutliers ? inside : outside;
  weights[name] = Tensor::from_f32(tensor.shape, values);
}

// 8 channels of the stream are 30 times as large as the others, as in pre-trained trunks. What reads the stream makes
// up for it, so that all channels go on to matter.
Model with_outliers() {
  constexpr float kTimes = 30;
  NetworkConfig config = test::with_adapters(test::trunk_kinds().front().config);
  config.dim = 64;
  config.heads = 4;
  config.mlp = 96;
  Model model = detector(config);
  const auto grow = [&](const std::string& name, Axis axis) {
    multiply_channels(model.weights, name, axis, kTimes, 1);
  };
  // A norm divides by a deviation that the outliers make: about 30 sqrt(8 / 64) times the others'.
  const float deviation = kTimes * std::sqrt(8.0F / 64);
  const auto shrink_norm = [&](const std::string& name) {
    multiply_channels(model.weights, name + ".weight", Axis::first, deviation / kTimes, deviation);
  };
  for (const char* name : {"pos_embed", "cls_token"}) grow(name, Axis::last);
  for (const char* name : {"patch_embed.proj.weight", "patch_embed.proj.bias"}) grow(name, Axis::first);
  for (int block = 0; block < config.depth; ++block) {
    const std::string prefix = "blocks." + std::to_string(block) + ".";
    for (const char* name : {"attn.proj", "mlp.fc2", "adaptor.up_proj"})
      for (const char* part : {".weight", ".bias"}) grow(prefix + name + part, Axis::first);
    multiply_channels(model.weights, prefix + "adaptor.down_proj.weight", Axis::last, 1 / kTimes, 1);
    for (const char* name : {"norm1", "norm2"}) shrink_norm(prefix + name);
  }
  return model;
}

TEST(QuantiseOutliers, KeepTheLogitsWhereOneScaleForAllChannelsLosesThem) {
  const Model model = with_outliers();
  const auto observed = observe_crops(model, hash_crops(model.config), options(1), {});
  ASSERT_TRUE(observed) << observed.error().message;
  Quantisation ours, naive;
  double worst = 0, worst_naive = 0;
  for (const auto& [name, sample] : observed->samples.sites()) {
    const std::vector<FoldedLayer> readers = readers_of_site(model.config, model.weights, name);
    const SiteChoice choice = choose_codes(sample, readers);
    ours[name] = choice.codes;
    naive[name] = naive_codes(sample);
    worst = std::max(worst, choice.distortion);
    worst_naive = std::max(worst_naive, SiteError(readers, sample.rows, sample.channels).of(naive[name]));
  }
  EXPECT_LT(worst, 1e-3);
  EXPECT_GT(worst_naive, 0.05);
  const NetworkOutput want = run(model, Precision::f32);
  const NetworkOutput kept = run(model, Precision::int8, &ours), lost = run(model, Precision::int8, &naive);
  // The bounds of trunks without outliers; what is lost otherwise is four and seven times as much.
  EXPECT_LT(distance(kept.feature, want.feature), kFeatureBound);
  EXPECT_LT(distance(kept.logits, want.logits), 0.05);
  EXPECT_GT(distance(lost.feature, want.feature), 0.15);
  EXPECT_GT(distance(lost.logits, want.logits), 0.15);
}

TEST(QuantiseBudget, KeepsTheWorstSitesWideUntilItHolds) {
  const Model model = detector(test::with_adapters(test::trunk_kinds().front().config));
  const CropSource crops = hash_crops(model.config);
  const auto all = quantise_model(model, crops, options(1), {});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_GT(all->difference, 0);
  const double budget = 0.9 * all->difference;
  const auto some = quantise_model(model, crops, options(budget), {});
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_LE(some->difference, budget);
  ASSERT_FALSE(some->wide.empty());
  EXPECT_EQ(some->codes.size() + some->wide.size(), all->codes.size());
  for (const WideSite& wide : some->wide)
    for (const auto& [name, figures] : some->figures) EXPECT_GE(wide.distortion, figures.distortion) << name;
  // Below 0: without VNNI the site that is left may be one of those that stay wide there, and then nothing differs.
  const auto none = quantise_model(model, crops, options(-1), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::model_incompatible);
  EXPECT_THAT(none.error().message, HasSubstr("the budget is not held"));
}

TEST(QuantiseModel, StopsAndRefuses) {
  Model model = detector(test::trunk_kinds().front().config);
  CancelFlag stop;
  stop.request(2);
  EXPECT_EQ(quantise_model(model, hash_crops(model.config), options(1), stop).error().code, ErrorCode::cancelled);
  CropSource broken = hash_crops(model.config);
  broken.read = [](std::size_t, std::span<float>) -> Status { return fail(ErrorCode::media_corrupt, "torn"); };
  EXPECT_EQ(quantise_model(model, broken, options(1), {}).error().code, ErrorCode::media_corrupt);
  model.kind = "backbone";
  EXPECT_EQ(quantise_model(model, hash_crops(model.config), options(1), {}).error().code,
            ErrorCode::model_incompatible);
}

// A site of three channels, of which one is large and one is always positive.
TEST(ChooseCodes, BeatsOneScaleForAllChannels) {
  constexpr int kChannels = 3;
  SampleCollector collector(1);
  RngStream rng(3, "choose");
  for (int crop = 0; crop < 8; ++crop) {
    std::vector<float> rows;
    for (int row = 0; row < 5; ++row)
      for (const float size : {100.0F, 1.0F, 0.1F})
        rows.push_back(size * static_cast<float>(size == 1 ? rng.uniform() : rng.normal()));
    collector.activation("site", rows, kChannels);
  }
  const SiteSample& sample = collector.sites().at("site");
  EXPECT_EQ(sample.rows.size(), std::size_t{8} * kRowsPerCrop * kChannels);
  EXPECT_GE(sample.lowest[1], 0);
  const std::vector<FoldedLayer> readers = {
      {"reader", {.in = kChannels, .out = 2, .weight = {0.01F, 1, 10, -0.01F, 1, -10}, .bias = {0, 0}}}};
  const SiteChoice choice = choose_codes(sample, readers);
  const SiteError error(readers, sample.rows, kChannels);
  EXPECT_LT(error.of(choice.codes), 1e-3);
  EXPECT_GT(error.of(naive_codes(sample)), 30 * error.of(choice.codes));
  ASSERT_TRUE(choice.smoothing);
}

TEST(ChooseCrops, TakesClassesAndSourcesInTurns) {
  Manifest manifest;
  const auto add = [&](int count, int label, const std::string& method, Role role) {
    for (int i = 0; i < count; ++i) {
      ManifestEntry entry;
      entry.label = label;
      entry.method = method;
      entry.role = role;
      manifest.entries.push_back(entry);
    }
  };
  add(50, 0, "", Role::train);
  add(40, 1, "a", Role::train);
  add(3, 1, "b", Role::train);
  add(9, 1, "c", Role::test);
  const auto chosen = choose_crops(manifest, Role::train, 16, 1).value();
  ASSERT_EQ(chosen.size(), 16U);
  std::map<std::string, int> counts;
  for (const std::size_t i : chosen) ++counts[manifest.entries[i].method];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"", 8}, {"a", 5}, {"b", 3}}));
  EXPECT_EQ(choose_crops(manifest, Role::train, 16, 1).value(), chosen);
  EXPECT_NE(choose_crops(manifest, Role::train, 16, 2).value(), chosen);
  EXPECT_EQ(choose_crops(manifest, Role::train, 1000, 1).value().size(), 93U);
  EXPECT_EQ(choose_crops(manifest, Role::val, 16, 1).error().code, ErrorCode::manifest_invalid);
}

}  // namespace
}  // namespace dfa
