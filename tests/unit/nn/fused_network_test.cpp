#include "nn/vit/fused_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <thread>

#include "base/machine.hpp"
#include "golden_tiny.hpp"
#include "nn/isa.hpp"
#include "nn/pin_threads.hpp"
#include "run_network.hpp"
#include "support/close.hpp"
#include "support/random_config.hpp"
#include "support/trunk_kinds.hpp"

namespace dfa {
namespace {

using test::build_network;
using test::expect_close;
using test::GoldenTiny;
using test::Outputs;
using test::read_golden_tiny;
using test::run_network;

// One thread, where threads are not what is tested: small networks are all barriers, slow beside other work.
constexpr NetworkOptions kRef{.precision = Precision::ref, .threads = 1};
constexpr NetworkOptions kOneThread{.threads = 1};

TEST(F32Network, GivesTheAuthorsFiguresForTheTinyNetwork) {
  const GoldenTiny golden = read_golden_tiny();
  const auto network = build_network(golden.config, hash_weights(golden.config), kOneThread);
  const Outputs got = run_network(*network, hash_images(golden.config, golden.images), golden.images);
  EXPECT_TRUE(expect_close(got.logits, golden.logits, {.absolute = 2e-5}));
  EXPECT_TRUE(expect_close(got.feature, golden.feature, {.absolute = 2e-5}));
  RecordProperty("isa", std::string(effective_isa()));
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
  const Outputs got = run_network(*build_network(config, weights, {.threads = 1 + GetParam() % 2}), images, kImages);
  EXPECT_TRUE(expect_close(got.logits, want.logits, {.absolute = 1e-4}));
  EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 1e-4}));
}

INSTANTIATE_TEST_SUITE_P(Seeded, RandomConfig, testing::Range(0, test::kRandomConfigs));

// Every token of every layer, by image and layer (-1: what enters the first block).
class Layers final : public BlockObserver {
 public:
  void after_block(int image, int block, std::span<const float> x) override {
    streams[{image, block}].assign(x.begin(), x.end());
  }
  std::map<std::pair<int, int>, std::vector<float>> streams;
};

class KindOfTrunk : public testing::TestWithParam<test::TrunkKind> {};

// Ref itself is held by the goldens of the libraries (tests/unit/exchange).
TEST_P(KindOfTrunk, RefAndF32AgreeAfterEveryLayer) {
  for (const NetworkConfig& config : {GetParam().config, test::with_adapters(GetParam().config),
                                      test::with_adapters(test::with_grid(GetParam().config, 5))}) {
    SCOPED_TRACE(test::describe(config));
    ASSERT_TRUE(check_config(config)) << check_config(config).error().message;
    constexpr int kImages = 2;
    const TensorMap weights = hash_weights(config);
    const std::vector<float> images = hash_images(config, kImages);
    Layers ref, f32;
    const Outputs want =
        run_network(*build_network(config, weights, {.precision = Precision::ref, .threads = 1, .observer = &ref}),
                    images, kImages);
    const Outputs seen =
        run_network(*build_network(config, weights, {.threads = 1, .observer = &f32}), images, kImages);
    ASSERT_EQ(ref.streams.size(), static_cast<std::size_t>(kImages * (config.depth + 1)));
    ASSERT_EQ(f32.streams.size(), ref.streams.size());
    for (const auto& [place, tokens] : ref.streams) {
      EXPECT_EQ(tokens.size(), static_cast<std::size_t>(config.trunk_tokens() * config.dim));
      EXPECT_TRUE(expect_close(f32.streams[place], tokens, {.absolute = 2e-5})) << "block " << place.second;
    }
    // As users run it: without the rows that nobody reads.
    const Outputs got = run_network(*build_network(config, weights, kOneThread), images, kImages);
    for (const Outputs& outputs : {seen, got}) {
      EXPECT_TRUE(expect_close(outputs.logits, want.logits, {.absolute = 2e-5}));
      EXPECT_TRUE(expect_close(outputs.feature, want.feature, {.absolute = 2e-5}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, KindOfTrunk, testing::ValuesIn(test::trunk_kinds()),
                         [](const auto& kind) { return kind.param.name; });

// bf16 keeps 8 bits of a value: what a network of three blocks makes of that, relative to the largest value.
class Bf16 : public testing::TestWithParam<test::TrunkKind> {};

TEST_P(Bf16, StaysNearRef) {
  if (!has_bf16_products()) GTEST_SKIP() << "no bf16 products here: " << effective_isa();
  for (const NetworkConfig& config : {GetParam().config, test::with_adapters(GetParam().config)}) {
    SCOPED_TRACE(test::describe(config));
    constexpr int kImages = 3;
    const TensorMap weights = hash_weights(config);
    const std::vector<float> images = hash_images(config, kImages);
    const Outputs want = run_network(*build_network(config, weights, kRef), images, kImages);
    const Outputs got =
        run_network(*build_network(config, weights, {.precision = Precision::bf16, .threads = 1}), images, kImages);
    const float largest = std::abs(*std::ranges::max_element(want.feature, {}, [](float x) { return std::abs(x); }));
    EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 0.02 * largest}));
    EXPECT_NE(got.feature, want.feature);  // it did round
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bf16, testing::ValuesIn(test::trunk_kinds()),
                         [](const auto& kind) { return kind.param.name; });

// Each field changes what the network computes: none is read and forgotten.
TEST(KindsOfTrunks, EveryFieldMakesADifference) {
  const auto logits = [](const NetworkConfig& config) {
    return run_network(*build_network(config, hash_weights(config), kRef), hash_images(config, 1), 1).logits;
  };
  const auto kinds = test::trunk_kinds();
  const std::vector<float> plain = logits(kinds.front().config);
  for (std::size_t i = 1; i < kinds.size(); ++i) EXPECT_NE(logits(kinds[i].config), plain) << kinds[i].name;
  NetworkConfig image = test::with_adapters(kinds.front().config);
  const std::vector<float> patch = logits(image);
  image.spatial_source = SpatialSource::image;
  EXPECT_NE(logits(image), patch);
}

// The published network, one image: 30 billion products in plain loops.
TEST(F32NetworkSlow, AgreesWithRefOnVitB16) {
  const NetworkConfig config;
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, 1);
  const Outputs want = run_network(*build_network(config, weights, {.precision = Precision::ref}), images, 1);
  const Outputs got = run_network(*build_network(config, weights, {.max_batch = 1}), images, 1);
  EXPECT_TRUE(expect_close(got.logits, want.logits, {.absolute = 1e-4}));
  EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 1e-4}));
}

// The tiny network with a read-out of choice.
class ReadoutTest : public testing::TestWithParam<Readout> {
 protected:
  NetworkConfig config_ = [] {
    NetworkConfig config = read_golden_tiny().config;
    config.readout = GetParam();
    return config;
  }();
  TensorMap weights_ = hash_weights(config_);
};

TEST_P(ReadoutTest, LeavingOutUnreadRowsChangesNothing) {
  const std::vector<float> images = hash_images(config_, 3);
  auto all = make_fused_network(config_, weights_, kOneThread, UnreadRows::compute);
  auto needed = make_fused_network(config_, weights_, kOneThread, UnreadRows::skip);
  ASSERT_TRUE(all && needed);
  const Outputs want = run_network(**all, images, 3);
  const Outputs got = run_network(**needed, images, 3);
  // The same sums in another order: products of other shapes are cut otherwise.
  EXPECT_TRUE(expect_close(got.logits, want.logits, {.absolute = 2e-6}));
  EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 2e-6}));
}

TEST_P(ReadoutTest, AnImageDoesNotDependOnItsBatch) {
  constexpr int kImages = 11;  // max_batch 4: two plans of four, one of three
  const std::vector<float> images = hash_images(config_, kImages);
  const Outputs want =
      run_network(*build_network(config_, weights_, {.threads = 1, .max_batch = kImages}), images, kImages);
  const Outputs cut = run_network(*build_network(config_, weights_, {.threads = 1, .max_batch = 4}), images, kImages);
  const Outputs single =
      run_network(*build_network(config_, weights_, {.threads = 1, .max_batch = 1}), images, kImages);
  EXPECT_TRUE(expect_close(cut.logits, want.logits, {.absolute = 2e-6}));
  EXPECT_TRUE(expect_close(single.logits, want.logits, {.absolute = 2e-6}));
  EXPECT_TRUE(expect_close(cut.feature, want.feature, {.absolute = 2e-6}));
  EXPECT_TRUE(expect_close(single.feature, want.feature, {.absolute = 2e-6}));
}

TEST_P(ReadoutTest, RepeatedRunsAreEqualToTheLastBit) {
  const std::vector<float> images = hash_images(config_, 5);
  const auto network = build_network(config_, weights_, {.threads = 2, .max_batch = 5});
  const Outputs first = run_network(*network, images, 5);
  run_network(*network, std::span(images).first(images.size() / 5 * 2), 2);  // another plan in the same workspace
  const Outputs second = run_network(*network, images, 5);
  EXPECT_EQ(first.logits, second.logits);
  EXPECT_EQ(first.feature, second.feature);
}

INSTANTIATE_TEST_SUITE_P(Every, ReadoutTest,
                         testing::Values(Readout::token0, Readout::cls, Readout::level_mean, Readout::query));

TEST(F32Network, AtInitialisationTheTrunkIsThePlainVit) {
  NetworkConfig adapted = read_golden_tiny().config;
  adapted.readout = Readout::cls;
  NetworkConfig plain = adapted;
  plain.gba = plain.lsa = false;
  TensorMap weights = hash_weights(adapted);
  for (auto& [name, tensor] : weights) {
    if (!name.ends_with("injector.gamma") && name.find("adaptor.up_proj") == std::string::npos) continue;
    tensor = Tensor::from_f32(tensor.shape, std::vector<float>(static_cast<std::size_t>(tensor.element_count())));
  }
  TensorMap plain_weights;
  for (const ParameterSpec& spec : network_parameters(plain)) plain_weights.emplace(spec.name, weights.at(spec.name));
  const std::vector<float> images = hash_images(adapted, 2);
  const Outputs with = run_network(*build_network(adapted, weights, kOneThread), images, 2);
  const Outputs without = run_network(*build_network(plain, plain_weights, kOneThread), images, 2);
  EXPECT_EQ(with.feature, without.feature);  // gates and adapters that are 0 add exactly 0
  EXPECT_EQ(with.logits, without.logits);
}

TEST(F32Network, WidensHalfPrecisionWeights) {
  const GoldenTiny golden = read_golden_tiny();
  TensorMap half = hash_weights(golden.config);
  for (auto& [name, tensor] : half) {
    if (tensor.dtype == Dtype::f32) tensor = convert_floats(tensor, Dtype::f16);
  }
  TensorMap widened;
  for (const auto& [name, tensor] : half) {
    widened.emplace(name, tensor.dtype == Dtype::f16 ? Tensor::from_f32(tensor.shape, *tensor.to_f32()) : tensor);
  }
  const std::vector<float> images = hash_images(golden.config, 2);
  const Outputs got = run_network(*build_network(golden.config, half, kOneThread), images, 2);
  const Outputs want = run_network(*build_network(golden.config, widened, kOneThread), images, 2);
  EXPECT_EQ(got.logits, want.logits);
  EXPECT_TRUE(expect_close(
      got.logits, golden.logits.empty() ? got.logits : std::vector(golden.logits.begin(), golden.logits.begin() + 4),
      {.absolute = 1e-2}));  // f16 keeps 11 bits
}

// OpenMP keeps thread counts per thread: a network must run wherever it is called.
TEST(F32Network, RunsOnAnotherThreadThanTheOneThatBuiltIt) {
  const GoldenTiny golden = read_golden_tiny();
  const auto network = build_network(golden.config, hash_weights(golden.config), {.threads = 2});
  const std::vector<float> images = hash_images(golden.config, golden.images);
  const Outputs here = run_network(*network, images, golden.images);
  Outputs there;
  std::thread([&] { there = run_network(*network, images, golden.images); }).join();
  EXPECT_EQ(here.logits, there.logits);
}

// Same input, same threads, same bytes: from one network, from instances that share its weights and run at the same
// time, and from an instance that outlives the network it came from.
class Determinism : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !has_bf16_products()) GTEST_SKIP() << "no bf16 products here";
  }
  std::unique_ptr<Network> build(int threads) const {
    return build_network(config_, hash_weights(config_), {.precision = GetParam(), .threads = threads, .max_batch = 4});
  }
  NetworkConfig config_ = read_golden_tiny().config;
  std::vector<float> images_ = hash_images(config_, kImages);
  static constexpr int kImages = 5;
};

TEST_P(Determinism, InstancesGiveTheSameBytes) {
  std::unique_ptr<Network> network = build(1);
  const Outputs want = run_network(*network, images_, kImages);
  std::vector<std::unique_ptr<Network>> instances;
  for (int i = 0; i < 2; ++i) {
    auto instance = network->make_instance();
    ASSERT_TRUE(instance) << instance.error().message;
    instances.push_back(std::move(*instance));
  }
  network.reset();
  std::vector<Outputs> got(instances.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < instances.size(); ++i)
    threads.emplace_back([&, i] { got[i] = run_network(*instances[i], images_, kImages); });
  for (std::thread& thread : threads) thread.join();
  for (const Outputs& outputs : got) {
    EXPECT_EQ(outputs.logits, want.logits);
    EXPECT_EQ(outputs.feature, want.feature);
  }
}

// One image and no more threads than most machines have: threads that wait for a processor take seconds.
TEST_P(Determinism, ThreadCountsDifferInTheLastBitsAtMost) {
  if (GetParam() == Precision::ref) GTEST_SKIP() << "plain loops: each sum is one thread's";
  const auto image = std::span(images_).first(images_.size() / kImages);
  const Outputs want = run_network(*build(1), image, 1);
  const float largest = std::abs(*std::ranges::max_element(want.feature, {}, [](float x) { return std::abs(x); }));
  // f32: sums in another order. bf16: a sum that rounds to the neighbour, and what three blocks make of that.
  const double tolerance = GetParam() == Precision::bf16 ? 0.02 * largest : 2e-6;
  const auto network = build(2);
  const Outputs got = run_network(*network, image, 1);
  EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = tolerance}));
  EXPECT_EQ(run_network(*network, image, 1).feature, got.feature);
}

INSTANTIATE_TEST_SUITE_P(Every, Determinism, testing::Values(Precision::ref, Precision::f32, Precision::bf16),
                         [](const auto& p) { return std::string(precision_name(p.param)); });

// What the kernel says of the calling thread and of the OpenMP threads that work for it.
std::vector<std::vector<int>> masks_of_engine_threads(int threads) {
  std::vector<std::vector<int>> masks(static_cast<std::size_t>(threads));
#pragma omp parallel num_threads(threads)
  masks[static_cast<std::size_t>(omp_get_thread_num())] = usable_processor_numbers();
  return masks;
}

TEST(PinThreads, EveryThreadIsOnTheProcessorThatWasAskedFor) {
  const std::vector<int> usable = usable_processor_numbers();
  ASSERT_EQ(usable.size(), static_cast<std::size_t>(usable_processors()));
  const std::vector<int> asked = {usable.back(), usable.front()};
  std::thread([&] {
    ASSERT_TRUE(pin_engine_threads(asked));
    const auto masks = masks_of_engine_threads(2);
    EXPECT_EQ(masks[0], std::vector{asked[0]});
    EXPECT_EQ(masks[1], std::vector{asked[1]});
  }).join();
  EXPECT_EQ(usable_processor_numbers(), usable);  // of the others nothing changed
}

TEST(PinThreads, AMaskThatWasInheritedIsKept) {
  const int only = usable_processor_numbers().back();
  std::thread([&] {
    ASSERT_TRUE(bind_thread(only));
    std::thread([&] {
      EXPECT_EQ(usable_processor_numbers(), std::vector{only});
      EXPECT_TRUE(pin_engine_threads({}));  // nothing asked, nothing changed
      EXPECT_EQ(masks_of_engine_threads(2), (std::vector<std::vector<int>>{{only}, {only}}));
    }).join();
  }).join();
  const int nowhere[] = {-1};
  EXPECT_EQ(pin_engine_threads(nowhere).error().code, ErrorCode::internal);
}

TEST(F32Network, MoreThreadsThanWorkGiveTheSame) {
  const GoldenTiny golden = read_golden_tiny();
  const std::vector<float> images = hash_images(golden.config, 1);
  for (const int threads : {1, 2, 5}) {
    const auto network = build_network(golden.config, hash_weights(golden.config), {.threads = threads});
    const Outputs got = run_network(*network, images, 1);
    EXPECT_TRUE(
        expect_close(got.logits, std::vector(golden.logits.begin(), golden.logits.begin() + 2), {.absolute = 2e-5}));
  }
}

class DispatchLines final : public TraceSink {
 public:
  bool wants(TraceClass trace_class) const override { return trace_class == TraceClass::dispatch; }
  void write(TraceClass, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines.emplace_back(line);
  }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

TEST(F32Network, TraceNamesTheKernelOfEveryStepAndNoneIsAReferenceKernel) {
  const NetworkConfig config = read_golden_tiny().config;
  DispatchLines trace;
  build_network(config, hash_weights(config), {.max_batch = 2, .trace = &trace});
  EXPECT_THAT(trace.lines, testing::Contains(testing::AllOf(testing::StartsWith("linear,34x48x144,f32,"),
                                                            testing::EndsWith(",blocks/0.qkv"))));
  EXPECT_THAT(trace.lines, testing::Contains(testing::HasSubstr("extractor/extractor.2.attention")));
  EXPECT_THAT(trace.lines, testing::Each(testing::Not(testing::HasSubstr(",ref"))));
}

TEST(F32Network, TheLastExtractorComputesOneRowAnImage) {
  const NetworkConfig config = read_golden_tiny().config;
  DispatchLines trace;
  build_network(config, hash_weights(config), {.max_batch = 2, .trace = &trace});
  EXPECT_THAT(trace.lines, testing::Contains(testing::AllOf(testing::StartsWith("linear,168x48x48,"),
                                                            testing::EndsWith("extractor/extractor.1.q"))));
  EXPECT_THAT(trace.lines, testing::Contains(testing::AllOf(testing::StartsWith("linear,2x48x48,"),
                                                            testing::EndsWith("extractor/extractor.2.q"))));
}

TEST(F32Network, OptionsOutOfRangeAreUsageErrors) {
  const NetworkConfig config = read_golden_tiny().config;
  const TensorMap weights = hash_weights(config);
  EXPECT_EQ(make_network(config, weights, {.max_batch = 0}).error().code, ErrorCode::usage);
  EXPECT_EQ(make_network(config, weights, {.threads = -1}).error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
