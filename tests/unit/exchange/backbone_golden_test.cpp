// Every kind of backbone, imported from its library's own file, against what that library computes: after every layer,
// at two image sizes, with both engines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nn/network.hpp"
#include "support/close.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/exchange/backbone_kinds.hpp"

namespace dfa {
namespace {

using test::BackboneKind;

// Of the root mean square of what is compared: the bound, taken value by value.
constexpr double kTolerance = 1e-4;

class Layers final : public BlockObserver {
 public:
  // (N, T, D) of each layer, the embedding first.
  std::map<int, std::vector<float>> tokens;
  void after_block(int /*image*/, int block, std::span<const float> x) override {
    tokens[block].insert(tokens[block].end(), x.begin(), x.end());
  }
};

// A backbone has no head: one of zeros, as nothing here is read behind the feature.
Model with_head(Model model) {
  if (model.kind != "backbone") return model;
  const std::size_t dim = static_cast<std::size_t>(model.config.dim);
  const std::size_t classes = static_cast<std::size_t>(model.config.classes);
  model.config.head = HeadKind::linear;
  model.weights["head.1.weight"] =
      Tensor::from_f32({model.config.classes, model.config.dim}, std::vector<float>(classes * dim));
  model.weights["head.1.bias"] = Tensor::from_f32({model.config.classes}, std::vector<float>(classes));
  return model;
}

testing::AssertionResult close_to(const TensorMap& golden, const std::string& name, const std::vector<float>& got) {
  const auto found = golden.find(name);
  if (found == golden.end()) return testing::AssertionFailure() << "the golden has no " << name;
  const std::vector<float> want = *found->second.to_f32();
  double squares = 0;
  for (const float value : want) squares += static_cast<double>(value) * static_cast<double>(value);
  const double scale = std::sqrt(squares / static_cast<double>(want.size()));
  return test::expect_close(got, want, {.absolute = kTolerance * scale, .relative = 0});
}

void compare(const Model& model, const TensorMap& golden, const std::string& size, Precision precision) {
  Layers layers;
  auto network = make_network(model.config, model.weights,
                              {.precision = precision, .threads = 1, .trace = nullptr, .observer = &layers});
  ASSERT_TRUE(network) << network.error().message;
  const std::vector<float> images = *golden.at(size + ".images").to_f32();
  const int count = static_cast<int>(golden.at(size + ".images").shape[0]);
  std::vector<float> feature(static_cast<std::size_t>(count * model.config.dim));
  std::vector<float> logits(static_cast<std::size_t>(count * model.config.classes));
  ASSERT_TRUE((*network)->forward(images, count, {.logits = logits, .feature = feature}));
  for (const auto& [block, tokens] : layers.tokens)
    EXPECT_TRUE(
        close_to(golden, size + ".tokens." + (block < 0 ? "embedded" : "layer." + std::to_string(block)), tokens));
  EXPECT_EQ(layers.tokens.size(), static_cast<std::size_t>(model.config.depth) + 1);
  EXPECT_TRUE(close_to(golden, size + ".feature", feature));
  if (golden.contains(size + ".logits")) {
    EXPECT_TRUE(close_to(golden, size + ".logits", logits));
  }
}

void expect_config(const nlohmann::json& want, const NetworkConfig& config) {
  const std::map<std::string_view, int> sizes = {
      {"image", config.image},        {"patch", config.patch}, {"dim", config.dim},
      {"depth", config.depth},        {"heads", config.heads}, {"mlp", config.mlp},
      {"registers", config.registers}};
  for (const auto& [field, value] : sizes) EXPECT_EQ(want.at(field), value) << field;
  const std::map<std::string_view, bool> switches = {{"pre_norm", config.pre_norm},
                                                     {"patch_bias", config.patch_bias},
                                                     {"distilled", config.distilled},
                                                     {"layer_scale", config.layer_scale},
                                                     {"gated_mlp", config.gated_mlp}};
  for (const auto& [field, value] : switches) EXPECT_EQ(want.at(field), value) << field;
  EXPECT_EQ(want.at("norm_eps"), config.norm_eps);
  EXPECT_EQ(want.at("rotary_base").is_null(), config.positions == Positions::learned);
}

// Named one by one: a tensor that lies beside is dropped for its name alone.
void expect_ignored(const std::vector<std::string>& want, const Imported& imported) {
  std::vector<std::string> lines = imported.report.ignored;
  lines.insert(lines.end(), imported.source.ignored.begin(), imported.source.ignored.end());
  for (const std::string& name : want)
    EXPECT_TRUE(
        std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(name); }))
        << name << " is not said to be ignored";
}

TEST(Backbones, EveryLayerIsTheLibrarys) {
  const std::vector<BackboneKind> kinds = test::backbone_kinds();
  EXPECT_GE(kinds.size(), 7u);
  for (const BackboneKind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const TensorMap golden = read_safetensors(kind.golden)->tensors;
    const auto small = test::import_kind(kind, kind.paths.front());
    ASSERT_TRUE(small) << small.error().message;
    expect_config(kind.config, small->model.config);
    expect_ignored(kind.ignored, *small);
    const auto large = test::import_kind(kind, kind.paths.front(), {"image=" + kind.config.at("large").dump()});
    ASSERT_TRUE(large) << large.error().message;
    for (const Precision precision : {Precision::ref, Precision::f32}) {
      SCOPED_TRACE(precision_name(precision));
      compare(with_head(small->model), golden, "small", precision);
      compare(with_head(large->model), golden, "large", precision);
    }
  }
}

TEST(Backbones, EveryContainerHoldsTheSame) {
  for (const BackboneKind& kind : test::backbone_kinds()) {
    const auto first = test::import_kind(kind, kind.paths.front());
    ASSERT_TRUE(first) << kind.name << ": " << first.error().message;
    for (const auto& path : kind.paths) {
      const auto other = test::import_kind(kind, path);
      ASSERT_TRUE(other) << kind.name << ": " << other.error().message;
      EXPECT_EQ(other->model.config, first->model.config) << path;
      for (const auto& [name, tensor] : first->model.weights)
        EXPECT_EQ(*other->model.weights.at(name).to_f32(), *tensor.to_f32()) << path << " " << name;
    }
  }
}

}  // namespace
}  // namespace dfa
