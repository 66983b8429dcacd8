// The int8 engine on plain scales: each tensor's range spread over its codes. How scales are chosen well is
// src/quant's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/trace.hpp"
#include "nn/isa.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/gemm.hpp"
#include "run_network.hpp"
#include "support/close.hpp"
#include "support/random_config.hpp"
#include "support/trunk_kinds.hpp"

namespace dfa {
namespace {

using test::build_network;
using test::expect_close;
using test::Outputs;
using test::run_network;

constexpr int kImages = 3;
constexpr NetworkOptions kOneThread{.threads = 1};

// What flows through each site, in the order of the forward pass.
class Ranges final : public ActivationObserver {
 public:
  struct Range {
    int channels = 0;
    float low = 0;
    float high = 0;
  };
  void activation(std::string_view site, std::span<const float> rows, int channels) override {
    const auto [low, high] = std::ranges::minmax(rows);
    order.emplace_back(site);
    ranges[std::string(site)] = {channels, low, high};
    EXPECT_EQ(rows.size() % static_cast<std::size_t>(channels), 0U);
  }

  Quantisation codes() const {
    Quantisation quantisation;
    for (const auto& [site, range] : ranges) {
      const float multiplier = 254.0F / (range.high - range.low);
      Codes& made = quantisation[site];
      made.multipliers.assign(static_cast<std::size_t>(range.channels), multiplier);
      made.zero_point = static_cast<int>(std::lround(-range.low * multiplier));
    }
    return quantisation;
  }

  std::vector<std::string> order;
  std::map<std::string, Range> ranges;
};

Ranges observe(const NetworkConfig& config, const TensorMap& weights) {
  Ranges ranges;
  const auto network = build_network(config, weights, {.threads = 1, .activations = &ranges});
  run_network(*network, hash_images(config, kImages), kImages);
  return ranges;
}

class Int8 : public testing::TestWithParam<test::TrunkKind> {};

TEST_P(Int8, SitesAreSeenAndReadByLayersOfTheirWidth) {
  NetworkConfig class_token = test::with_adapters(GetParam().config);
  class_token.readout = Readout::cls;
  for (const NetworkConfig& config : {GetParam().config, test::with_adapters(GetParam().config), class_token}) {
    SCOPED_TRACE(test::describe(config));
    const TensorMap weights = hash_weights(config);
    const Ranges seen = observe(config, weights);
    std::vector<std::string> names;
    for (const QuantSite& site : quant_sites(config)) {
      names.push_back(site.name);
      ASSERT_TRUE(seen.ranges.contains(site.name)) << site.name;
      EXPECT_EQ(seen.ranges.at(site.name).channels, site.channels) << site.name;
      const std::vector<FoldedLayer> readers = readers_of_site(config, weights, site.name);
      EXPECT_FALSE(readers.empty()) << site.name;
      for (const FoldedLayer& reader : readers) EXPECT_EQ(reader.weights.in, site.channels) << reader.name;
    }
    EXPECT_EQ(seen.order.size(), names.size());
    EXPECT_TRUE(std::ranges::is_permutation(seen.order, names));
  }
}

TEST_P(Int8, StaysNearRef) {
  for (const NetworkConfig& config : {GetParam().config, test::with_adapters(GetParam().config)}) {
    SCOPED_TRACE(test::describe(config));
    const TensorMap weights = hash_weights(config);
    const std::vector<float> images = hash_images(config, kImages);
    const Quantisation scales = observe(config, weights).codes();
    const Outputs want =
        run_network(*build_network(config, weights, {.precision = Precision::ref, .threads = 1}), images, kImages);
    const auto network =
        build_network(config, weights, {.precision = Precision::int8, .threads = 1, .quantisation = &scales});
    const Outputs got = run_network(*network, images, kImages);
    const float largest = std::abs(*std::ranges::max_element(want.feature, {}, [](float x) { return std::abs(x); }));
    EXPECT_TRUE(expect_close(got.feature, want.feature, {.absolute = 0.05 * largest}));
    EXPECT_NE(got.feature, want.feature);  // it did round
  }
}

INSTANTIATE_TEST_SUITE_P(All, Int8, testing::ValuesIn(test::trunk_kinds()),
                         [](const auto& kind) { return kind.param.name; });

// Keeps the dispatch lines.
class Dispatch final : public TraceSink {
 public:
  bool wants(TraceClass kind) const override { return kind == TraceClass::dispatch; }
  void write(TraceClass, std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

NetworkConfig adapted() {
  return test::with_adapters(test::trunk_kinds().front().config);
}

// Every product that reads a quantised site runs on codes with the best kernel there is, and no other does.
TEST(Int8Trace, ShowsAKernelOfCodesForEveryReaderOfASite) {
  const NetworkConfig config = adapted();
  const TensorMap weights = hash_weights(config);
  Quantisation scales = observe(config, weights).codes();
  const std::string wide = "blocks.0.hidden";
  scales.erase(wide);
  Dispatch trace;
  const auto network = build_network(
      config, weights, {.precision = Precision::int8, .threads = 1, .trace = &trace, .quantisation = &scales});
  std::set<std::string> expected, got;  // an interaction takes some images at a time: its steps come more than once
  for (const QuantSite& site : quant_sites(config)) {
    if (site.name == wide) continue;
    for (const FoldedLayer& reader : readers_of_site(config, weights, site.name)) expected.insert(reader.name);
  }
  const std::string kernel = "," + std::string(gemm_kernel_name(best_int8_gemm())) + ",";
  const std::string wide_element = has_bf16_products() ? ",bf16," : ",f32,";
  for (const std::string& line : trace.lines) {
    if (line.starts_with("attention,") || line.starts_with("conv")) {
      EXPECT_NE(line.find(wide_element), std::string::npos) << line;
    }
    if (line.starts_with("attention,") && !has_amx()) {
      EXPECT_NE(line.find(has_avx512_vnni() ? ",avx512_vnni," : ",highway,"), std::string::npos) << line;
    }
    if (!line.starts_with("linear,") || line.find(",u8,") == std::string::npos) continue;
    EXPECT_NE(line.find(kernel), std::string::npos) << line;
    got.insert(line.substr(line.rfind('/') + 1));
  }
  EXPECT_EQ(got, expected);
}

TEST(Int8Refusals, NameWhatIsMissingOrWrong) {
  const NetworkConfig config = adapted();
  const TensorMap weights = hash_weights(config);
  const auto refusal = [&](const Quantisation* scales, Precision precision = Precision::int8) {
    const auto made = make_network(config, weights, {.precision = precision, .threads = 1, .quantisation = scales});
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refusal(nullptr).find("carries scales"), std::string::npos);
  Quantisation scales;
  EXPECT_NE(refusal(&scales).find("carries scales"), std::string::npos);
  scales["blocks.99.hidden"].multipliers = {1};
  EXPECT_NE(refusal(&scales).find("blocks.99.hidden"), std::string::npos);
  EXPECT_EQ(refusal(&scales, Precision::f32), "");  // f32 does not look at them
  scales.clear();
  scales["blocks.0.norm1"].multipliers.assign(static_cast<std::size_t>(config.dim), 1.0F);
  EXPECT_EQ(refusal(&scales), "");
  scales["blocks.0.norm1"].multipliers.back() = 0;
  EXPECT_NE(refusal(&scales).find("not a positive"), std::string::npos);
  scales["blocks.0.norm1"].multipliers.back() = std::nanf("");
  EXPECT_NE(refusal(&scales).find("not a positive"), std::string::npos);
  scales["blocks.0.norm1"].multipliers.back() = 1;
  scales["blocks.0.norm1"].zero_point = 256;
  EXPECT_NE(refusal(&scales).find("zero point"), std::string::npos);
  scales["blocks.0.norm1"].multipliers.pop_back();
  EXPECT_NE(refusal(&scales).find("each of"), std::string::npos);
}

// A quarter of the weights, and less than half of what lies between them; the small tensors beside stay as they are.
TEST(Int8Footprint, IsAQuarterOfF32s) {
  NetworkConfig config = test::trunk_kinds().front().config;
  config.dim = 96;
  config.mlp = 384;
  const TensorMap weights = hash_weights(config);
  const Quantisation scales = observe(config, weights).codes();
  const auto footprint = [&](Precision precision) {
    const NetworkOptions options{.precision = precision, .threads = 1, .quantisation = &scales};
    return build_network(config, weights, options)->footprint().value();
  };
  const Footprint f32 = footprint(Precision::f32), int8 = footprint(Precision::int8);
  EXPECT_LT(int8.weights, f32.weights * 0.4);
  EXPECT_GT(int8.weights, f32.weights / 4);
  EXPECT_LT(int8.workspace, f32.workspace);
  EXPECT_FALSE(build_network(config, weights, {.precision = Precision::ref, .threads = 1})->footprint().has_value());
}

TEST(Int8Threads, DoNotChangeTheResult) {
  const NetworkConfig config = adapted();
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const Quantisation scales = observe(config, weights).codes();
  const auto run = [&](int threads) {
    const auto network =
        build_network(config, weights, {.precision = Precision::int8, .threads = threads, .quantisation = &scales});
    return run_network(*network, images, kImages).logits;
  };
  const std::vector<float> once = run(1);
  EXPECT_EQ(once, run(1));
  EXPECT_TRUE(expect_close(run(2), once, {.absolute = 1e-3}));
}

}  // namespace
}  // namespace dfa
