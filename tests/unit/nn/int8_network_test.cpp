// The int8 engine on plain scales: each tensor's range spread over its codes. How scales are chosen well is
// src/quant's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/rng.hpp"
#include "base/trace.hpp"
#include "nn/isa.hpp"
#include "nn/layers/conv_step.hpp"
#include "nn/layers/kernel_step.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/gemm.hpp"
#include "nn/plan/arena.hpp"
#include "nn/plan/value.hpp"
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
    const auto [seen, first] = ranges.try_emplace(std::string(site), Range{channels, low, high});
    if (first) order.emplace_back(site);
    seen->second.low = std::min(seen->second.low, low);
    seen->second.high = std::max(seen->second.high, high);
    EXPECT_EQ(rows.size() % static_cast<std::size_t>(channels), 0U);
  }

  Quantisation codes() const {
    Quantisation quantisation;
    for (const auto& [site, range] : ranges) {
      const float low = std::min(0.0F, range.low);
      const float multiplier = 254.0F / (range.high - low);
      Codes& made = quantisation[site];
      made.multipliers.assign(static_cast<std::size_t>(range.channels), multiplier);
      made.zero_point = static_cast<int>(std::lround(-low * multiplier));
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

bool runs_on_codes(const std::string& site) {
  return has_vnni() || !site.starts_with("spm.");
}

// Every product that reads a quantised site runs on codes with the best kernel there is, and no other does.
TEST(Int8Trace, ShowsAKernelOfCodesForEveryReaderOfASite) {
  NetworkConfig config = adapted();
  config.spm_width = 16;
  const TensorMap weights = hash_weights(config);
  Quantisation scales = observe(config, weights).codes();
  const std::string wide = "blocks.0.hidden";
  scales.erase(wide);
  Dispatch trace;
  const auto network = build_network(
      config, weights, {.precision = Precision::int8, .threads = 1, .trace = &trace, .quantisation = &scales});
  std::set<std::string> expected, got;  // an interaction takes some images at a time: its steps come more than once
  for (const QuantSite& site : quant_sites(config)) {
    if (site.name == wide || !runs_on_codes(site.name)) continue;
    for (const FoldedLayer& reader : readers_of_site(config, weights, site.name)) expected.insert(reader.name);
  }
  const std::string kernel = "," + std::string(gemm_kernel_name(best_int8_gemm())) + ",";
  const std::string wide_element = has_bf16_products() ? ",bf16," : ",f32,";
  for (const std::string& line : trace.lines) {
    if (line.starts_with("attention,") && !has_amx()) {
      const std::string whole = ",bf16," + std::string(effective_isa()) + ",avx512_vnni,";
      const std::string attention = has_avx512_vnni() ? whole : wide_element;
      EXPECT_NE(line.find(attention), std::string::npos) << line;
    } else if (line.starts_with("attention,")) {
      EXPECT_NE(line.find(wide_element), std::string::npos) << line;
    }
    if (line.starts_with("conv") && has_vnni()) {
      EXPECT_TRUE(line.find("int8:") != std::string::npos || line.find("_vnni,") != std::string::npos ||
                  line.find("_int8,") != std::string::npos)
          << line;
    }
    const bool product = line.starts_with("linear,") || line.starts_with("conv");
    if (!product || line.find(",u8,") == std::string::npos) continue;
    if (line.starts_with("linear,")) {
      EXPECT_NE(line.find(kernel), std::string::npos) << line;
    }
    got.insert(line.substr(line.rfind('/') + 1));
  }
  EXPECT_EQ(got, expected);
}

// The sites of a model that was calibrated before the patches and the spatial prior had any, and others where wide and
// coded maps follow each other in both orders.
TEST(Int8Spm, RunsWithAnyOfItsSitesWide) {
  const NetworkConfig config = adapted();
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const Quantisation all = observe(config, weights).codes();
  const Outputs want = run_network(*build_network(config, weights, kOneThread), images, kImages);
  const float largest = std::abs(*std::ranges::max_element(want.feature, {}, [](float x) { return std::abs(x); }));
  enum class Kept { none, even, odd };
  for (const Kept kept : {Kept::none, Kept::even, Kept::odd}) {
    Quantisation scales = all;
    int index = 0;
    for (const QuantSite& site : quant_sites(config)) {
      if (site.name != "patches" && !site.name.starts_with("spm.")) continue;
      if (kept == Kept::none || (index++ % 2 == 0) == (kept == Kept::odd)) scales.erase(site.name);
    }
    Dispatch trace;
    const auto network = build_network(
        config, weights,
        {.precision = Precision::int8, .threads = 1, .max_batch = kImages, .trace = &trace, .quantisation = &scales});
    EXPECT_TRUE(
        expect_close(run_network(*network, images, kImages).feature, want.feature, {.absolute = 0.05 * largest}));
    std::set<std::string> coded;  // the stem's come once for each image
    for (const std::string& line : trace.lines)
      if (line.starts_with("conv") && line.find(",u8,") != std::string::npos) coded.insert(line);
    EXPECT_EQ(coded.size(), kept == Kept::none || !has_vnni() ? 0U : 3U);
  }
}

// oneDNN's convolutions of codes against sums in plain loops.
// Copies into a slice, or out of it.
class CopyStep final : public KernelStep {
 public:
  enum class To { plan, values };
  CopyStep(Slice slice, std::span<std::byte> values, To to) : KernelStep({slice}), values_(values), to_(to) {}
  Status run(const RunContext&) override {
    std::byte* from = to_ == To::plan ? values_.data() : bytes(0);
    std::copy_n(from, values_.size(), to_ == To::plan ? bytes(0) : values_.data());
    return {};
  }
  std::string_view op() const override { return "copy"; }
  std::string shape() const override { return std::to_string(values_.size()); }

 private:
  std::span<std::byte> values_;
  To to_;
};

struct ConvCase {
  ConvWeights conv;
  MapShape map;
  Element to;
};

std::size_t to_index(int value) {
  return static_cast<std::size_t>(value);
}

// Weights of both signs up to 127, which is in every output, so that all scales are 1; codes up to 255.
struct ConvOperands {
  explicit ConvOperands(const ConvCase& given) : conv(given.conv), map(given.map) {
    RngStream rng(7, "conv");
    const std::size_t taps = to_index(conv.in * conv.kernel * conv.kernel);
    for (std::size_t i = 0; i < to_index(conv.out) * taps; ++i)
      conv.weight.push_back(i % taps == 0 ? 127.0F : std::round(std::clamp<float>(drawn(rng, 200), -127, 127)));
    from = {std::vector<float>(to_index(conv.in), 1.0F), conv.padding == 0 ? 101 : 0};
    to.zero_point = 0;
    for (int o = 0; o < conv.out; ++o) {
      conv.bias.push_back(drawn(rng, 900));
      to.multipliers.push_back(0.02F / static_cast<float>(conv.in) * static_cast<float>(1 + o % 3));
    }
    for (std::size_t i = 0; i < map.values(); ++i)
      codes.push_back(static_cast<std::uint8_t>(std::clamp<float>(127 + drawn(rng, 190), 0, 255)));
  }

  static float drawn(RngStream& rng, double reach) { return static_cast<float>(rng.uniform(-reach, reach)); }

  // Output `out` of the window at (row, column), in plain loops; what lies outside counts as nothing.
  double value(int image, int row, int column, int out) const {
    std::int64_t sum = 0;
    for (int ky = 0; ky < conv.kernel; ++ky) {
      for (int kx = 0; kx < conv.kernel; ++kx) {
        const int y = row * conv.stride + ky - conv.padding, x = column * conv.stride + kx - conv.padding;
        if (y < 0 || x < 0 || y >= map.side || x >= map.side) continue;
        const std::size_t pixel = to_index((image * map.side + y) * map.side + x) * to_index(conv.in);
        for (int c = 0; c < conv.in; ++c) {
          const std::size_t tap = to_index(((out * conv.in + c) * conv.kernel + ky) * conv.kernel + kx);
          sum += (codes[pixel + to_index(c)] - from.zero_point) * static_cast<std::int64_t>(conv.weight[tap]);
        }
      }
    }
    return std::max(0.0, static_cast<double>(sum) + static_cast<double>(conv.bias[to_index(out)]));
  }

  std::vector<float> values(const MapShape& shape) const {
    std::vector<float> all;
    for (int pixel = 0; pixel < shape.rows(); ++pixel)
      for (int o = 0; o < shape.channels; ++o)
        all.push_back(static_cast<float>(
            value(pixel / (shape.side * shape.side), pixel / shape.side % shape.side, pixel % shape.side, o)));
    return all;
  }

  ConvWeights conv;
  MapShape map;
  Codes from, to;
  std::vector<std::uint8_t> codes;
};

class Int8Conv : public testing::TestWithParam<ConvCase> {};

TEST_P(Int8Conv, GivesTheValuesOfPlainLoops) {
  const Element format = GetParam().to;
  if (!has_vnni()) GTEST_SKIP() << "convolutions of codes need VNNI";
  if (format == Element::bf16 && !has_bf16_products()) GTEST_SKIP() << "no bf16 here";
  ConvOperands operands(GetParam());
  OneDnn library;
  WeightStore store;
  const LayerInput input{.element = Element::u8, .codes = &operands.from};
  const auto layer = PackedConv::pack(library, store, operands.conv, operands.map, input);
  ASSERT_TRUE(layer) << layer.error().message;
  const MapShape shape = layer->output(operands.map);
  Plan plan;
  const Slice src = plan.add_buffer(operands.map.values(), Element::u8, &operands.from);
  const Slice dst = plan.add_buffer(shape.values(), format, format == Element::u8 ? &operands.to : nullptr);
  std::vector<std::byte> stored(shape.values() * element_size(format));
  auto step = make_conv_relu_step(library, plan, *layer, operands.map, src, dst);
  ASSERT_TRUE(step) << step.error().message;
  const auto given = std::as_writable_bytes(std::span(operands.codes));
  plan.add_step(Part::spm, "in", std::make_unique<CopyStep>(src, given, CopyStep::To::plan));
  plan.add_step(Part::spm, "conv", std::move(*step));
  plan.add_step(Part::spm, "out", std::make_unique<CopyStep>(dst, stored, CopyStep::To::values));
  Arena workspace = Arena::reserve(plan.lay_out()).value();
  plan.bind(workspace.data());
  ASSERT_TRUE(plan.run({}, nullptr));

  std::vector<float> want = operands.values(shape), got;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (format == Element::u8) {
      want[i] = std::min(want[i] * operands.to.multipliers[i % to_index(shape.channels)], kLargestCode);
      got.push_back(static_cast<float>(reinterpret_cast<const std::uint8_t*>(stored.data())[i]));
    } else if (format == Element::bf16) {
      got.push_back(wide(reinterpret_cast<const std::uint16_t*>(stored.data())[i]));
    } else {
      got.push_back(reinterpret_cast<const float*>(stored.data())[i]);
    }
  }
  // Half a code or half a place of bf16, and some roundings of sums and bias.
  const double rounding = 4 * 0x1p-24 * 127 * 255 * operands.conv.in * 9;
  const double code_rounding = 0.5 + 0x1p-12;
  EXPECT_TRUE(expect_close(got, want,
                           {.absolute = format == Element::u8 ? code_rounding : rounding,
                            .relative = format == Element::bf16 ? 0x1p-8 : 0.0}));
}

constexpr ConvWeights conv_sizes(int in, int out, int stride, int padding) {
  return {.in = in, .out = out, .stride = stride, .padding = padding, .weight = {}, .bias = {}};
}

// The network's kinds: three channels without padding, deep ones at either stride, few and odd ones.
INSTANTIATE_TEST_SUITE_P(Sizes, Int8Conv,
                         testing::Values(ConvCase{conv_sizes(3, 64, 2, 0), {2, 3, 23}, Element::u8},
                                         ConvCase{conv_sizes(64, 64, 1, 1), {2, 64, 12}, Element::u8},
                                         ConvCase{conv_sizes(64, 128, 2, 1), {1, 64, 13}, Element::u8},
                                         ConvCase{conv_sizes(64, 32, 2, 1), {1, 64, 8}, Element::f32},
                                         ConvCase{conv_sizes(64, 32, 2, 1), {1, 64, 8}, Element::bf16},
                                         ConvCase{conv_sizes(6, 10, 2, 1), {2, 6, 9}, Element::u8},
                                         ConvCase{conv_sizes(3, 6, 2, 0), {1, 3, 9}, Element::f32}));

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
  Quantisation padded;
  padded["spm.stem.0"] = {std::vector<float>(static_cast<std::size_t>(config.spm_width), 1.0F), 1};
  EXPECT_NE(refusal(&padded).find("must be 0: it is padded"), std::string::npos);
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
