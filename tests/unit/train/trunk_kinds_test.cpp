// Kinds of trunks (CLIP, DeiT, DINOv2, DINOv3 and what tells them apart, one by one) in training: the figures of the
// ref engine, gradients that differences confirm, and what of them is tuned, initialised and taken from a file.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "exchange/trunk_config.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "support/close.hpp"
#include "support/temp_dir.hpp"
#include "support/trunk_kinds.hpp"
#include "tensorfile/safetensors.hpp"
#include "train/config/run_config.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/nets/backbone.hpp"
#include "train/nets/init.hpp"
#include "train/nets/start_weights.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/exchange/backbone_kinds.hpp"
#include "unit/train/gradient_check.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::ElementsAre;
using testing::HasSubstr;

// Those of all engines, and what only training has two ways of.
std::vector<TrunkKind> kinds() {
  std::vector<TrunkKind> all = trunk_kinds();
  TrunkKind coarse = all.front();
  coarse.name = "coarse_patches";  // the spatial prior's picture is smaller than the input
  coarse.config.patch = 20;
  all.push_back(std::move(coarse));
  return all;
}

NetworkConfig kind_named(const std::string& name) {
  for (const TrunkKind& kind : kinds())
    if (kind.name == name) return kind.config;
  throw std::runtime_error("no kind " + name);
}

enum class Adapters { none, both };

// One block a stage, so that what leaves every block can be seen.
void cut_into_blocks(NetworkConfig& config) {
  config.stages.clear();
  for (int block = 0; block < config.depth; ++block) config.stages.push_back({block, block});
}

// `grid` patches a side.
NetworkConfig config_of(const TrunkKind& kind, Adapters adapters, int grid) {
  NetworkConfig config = with_grid(kind.config, grid);
  if (adapters == Adapters::both) config = with_adapters(config);
  cut_into_blocks(config);
  return config;
}

// Keeps the stream of every image after every block.
class Recorder final : public BlockObserver {
 public:
  void after_block(int, int block, std::span<const float> x) override {
    std::vector<float>& all = blocks_[block];
    all.insert(all.end(), x.begin(), x.end());
  }
  const std::vector<float>& after(int block) { return blocks_[block]; }

 private:
  std::map<int, std::vector<float>> blocks_;
};

bool same(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(a.bytes, b.bytes);
}

class EveryTrunkKind : public testing::TestWithParam<TrunkKind> {};

TEST_P(EveryTrunkKind, IsWhatTheRefEngineComputes) {
  constexpr int kImages = 2;
  // f32 sums of at most a few hundred terms through two blocks, each rounding 6e-8 of values of order 1 to 10.
  constexpr Tolerance kTolerance{.absolute = 1e-5, .relative = 1e-5};
  for (const Adapters adapters : {Adapters::none, Adapters::both})
    for (const int grid : {2, 3}) {
      const NetworkConfig config = config_of(GetParam(), adapters, grid);
      SCOPED_TRACE(network_config_json(config));
      const TensorMap weights = hash_weights(config);
      const std::vector<float> images = hash_images(config, kImages);
      Recorder recorder;
      const auto engine =
          make_network(config, weights, {.precision = Precision::ref, .threads = 1, .observer = &recorder});
      ASSERT_TRUE(engine) << engine.error().message;
      std::vector<float> logits(static_cast<std::size_t>(kImages * config.classes)),
          feature(static_cast<std::size_t>(kImages * config.dim));
      ASSERT_TRUE((*engine)->forward(images, kImages, {logits, feature}));
      for (const AttentionPath path : {AttentionPath::fused, AttentionPath::matrices, AttentionPath::published}) {
        const auto network = make_train_network(config, weights, adapter_groups(), path);
        for (const Compute compute : {Compute::f32, Compute::f64}) {
          const auto values = network->forward(images, kImages, Mode::eval, compute);
          ASSERT_TRUE(values) << values.error().message;
          EXPECT_TRUE(expect_close(values->logits, logits, kTolerance)) << attention_name(path);
          EXPECT_TRUE(expect_close(values->feature, feature, kTolerance)) << attention_name(path);
        }
        const auto stages = network->stage_tokens(images, kImages);
        ASSERT_TRUE(stages) << stages.error().message;
        ASSERT_EQ(stages->size(), static_cast<std::size_t>(config.depth));
        for (int block = 0; block < config.depth; ++block)
          EXPECT_TRUE(expect_close((*stages)[static_cast<std::size_t>(block)], recorder.after(block), kTolerance))
              << "after block " << block;
      }
    }
}

// Every kind of tensor that the first block reads, and what lies behind it.
TEST_P(EveryTrunkKind, GradientsAgreeWithDifferences) {
  constexpr int kImages = 4, kEntries = 4;
  // Differences of steps of 2^-11 leave a third derivative, largest through the head's batch norm: measured up to 1e-5.
  // A wrong factor in one of the terms is beyond 1e-2.
  constexpr double kTolerance = 3e-5;
  NetworkConfig config = config_of(GetParam(), Adapters::none, 2);
  config.depth = 2;  // what the first block gives to the other tokens is read by the second
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const auto network = make_train_network(config, weights, all_groups(), AttentionPath::matrices);
  for (const ParameterSpec& spec : network_parameters(config)) {
    if (spec.group != ParameterGroup::trunk || spec.name.starts_with("blocks.1.")) continue;
    // What shifts every feature alike is taken away again by the batch's mean: such a bias has no gradient.
    if (spec.name == "norm.bias" && config.head == HeadKind::batchnorm_linear) continue;
    EXPECT_LT(gradient_error(*network, weights, images, kImages, spec.name, kEntries), kTolerance) << spec.name;
  }
}

// A frozen trunk is computed by other ways than one that learns: the adapters' gradients are the same.
TEST_P(EveryTrunkKind, AdaptersHaveTheSameGradientsWhetherTheTrunkLearnsOrNot) {
  constexpr int kImages = 3;
  const NetworkConfig config = config_of(GetParam(), Adapters::both, 2);
  const TensorMap weights = hash_weights(config);
  std::vector<TensorMap> gradients;
  for (const Groups& groups : {adapter_groups(), all_groups()})
    for (const AttentionPath path : {AttentionPath::fused, AttentionPath::matrices}) {
      const auto network = make_train_network(config, weights, groups, path);
      wide_loss(*network, hash_images(config, kImages), kImages);
      gradients.push_back(network->gradients());
    }
  for (const auto& [name, gradient] : gradients.front()) {
    if (norm_of(gradient) < 1e-9) continue;  // a bias that the head's batch norm takes away again
    for (const TensorMap& other : gradients) EXPECT_LT(relative_difference(other.at(name), gradient), 1e-6) << name;
  }
}

TEST_P(EveryTrunkKind, Bf16StaysNearF32AndTheFrozenTrunkAsItWas) {
  constexpr int kImages = 4;
  const NetworkConfig config = config_of(GetParam(), Adapters::both, 3);
  const TensorMap weights = hash_weights(config);
  const std::vector<float> images = hash_images(config, kImages);
  const auto network = make_train_network(config, weights, adapter_groups(), AttentionPath::matrices);
  const auto wide = network->forward(images, kImages, Mode::eval),
             narrow = network->forward(images, kImages, Mode::eval, Compute::bf16);
  ASSERT_TRUE(wide && narrow);
  EXPECT_NE(narrow->feature, wide->feature);
  EXPECT_TRUE(expect_close(narrow->feature, wide->feature, {.absolute = 0.15, .relative = 0.05}));  // bf16 keeps 8 bits
  const auto optimizer = Optimizer::create(*network, {});
  ASSERT_TRUE(optimizer);
  std::vector<TensorMap> gradients;
  for (const Compute compute : {Compute::bf16, Compute::f32}) {
    for (const Recompute what : {Recompute::nothing, Recompute::stages}) {
      network->set_recompute(what);
      const LossOptions options{.compute = compute, .statistics = Statistics::keep};
      ASSERT_TRUE(network->loss_and_gradients(images, alternating_labels(kImages), options));
      gradients.push_back(network->gradients());
    }
    const TensorMap &kept = gradients[gradients.size() - 2], &made_again = gradients.back();
    for (const auto& [name, gradient] : kept) EXPECT_TRUE(same(gradient, made_again.at(name))) << name;
    ASSERT_TRUE((*optimizer)->step(0.1));
  }
  const TensorMap after = network->tensors();
  for (const ParameterSpec& spec : network_parameters(config)) {
    if (spec.group != ParameterGroup::trunk) continue;
    EXPECT_TRUE(same(after.at(spec.name), weights.at(spec.name))) << spec.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryTrunkKind, testing::ValuesIn(kinds()),
                         [](const auto& made) { return made.param.name; });

// The figures of every library, read from its own file form: x after every block and the feature, at the size of the
// file and at another one.
TEST(TrunkKindGoldens, TrainingGivesTheFiguresOfEveryLibrary) {
  constexpr double kTolerance = 1e-5;  // the libraries' own f32 is within 2e-6 of what they compute in f64
  for (const BackboneKind& kind : backbone_kinds()) {
    const auto golden = read_safetensors(kind.golden);
    ASSERT_TRUE(golden) << golden.error().message;
    for (const std::string size : {"small", "large"}) {
      SCOPED_TRACE(kind.name + ", " + size);
      const int image = kind.config.at(size == "small" ? "image" : "large");
      auto imported = import_kind(kind, kind.paths.front(), {fmt::format("image={}", image)});
      ASSERT_TRUE(imported) << imported.error().message;
      NetworkConfig& config = imported->model.config;
      cut_into_blocks(config);
      TensorMap weights = hash_weights(config);  // a trunk alone has no head
      for (const auto& [name, tensor] : imported->model.weights) weights[name] = tensor;
      const auto network = make_train_network(config, weights, Tuning{ParameterGroup::head});
      const auto far = [&](const std::string& name, const std::vector<float>& got) {
        const Tensor& expected = golden->tensors.at(size + "." + name);
        return relative_difference(Tensor::from_f32(expected.shape, got), expected);
      };
      const Tensor& pictures = golden->tensors.at(size + ".images");
      const std::vector<float> images = *pictures.to_f32();
      const int n = static_cast<int>(pictures.shape[0]);
      const auto stages = network->stage_tokens(images, n);
      const auto values = network->forward(images, n, Mode::eval);
      ASSERT_TRUE(stages && values);
      for (int block = 0; block < config.depth; ++block)
        EXPECT_LT(far(fmt::format("tokens.layer.{}", block), (*stages)[static_cast<std::size_t>(block)]), kTolerance)
            << "after block " << block;
      EXPECT_LT(far("feature", values->feature), kTolerance);
      if (imported->model.kind == "detector") {
        EXPECT_LT(far("logits", values->logits), kTolerance);
      }
    }
  }
  EXPECT_GE(backbone_kinds().size(), 18U);
}

using Names = std::vector<std::string>;

// Names of a trunk of one block that a word of tuning trains; the head is left out.
Names learning(const std::string& kind, const std::string& word) {
  const Tuning tuning = *parse_tuning(word);
  NetworkConfig config = kind_named(kind);
  config.depth = 1;
  Names names;
  for (const ParameterSpec& spec : training_parameters(config, tuning))
    if (learns(tuning, spec) && spec.group != ParameterGroup::head) names.push_back(spec.name);
  return names;
}

TEST(TrunkKindTuning, WordsNameTheTensorsOfClip) {
  EXPECT_EQ(learning("clip", "layernorm"),
            (Names{"norm_pre.weight", "norm_pre.bias", "blocks.0.norm1.weight", "blocks.0.norm1.bias",
                   "blocks.0.norm2.weight", "blocks.0.norm2.bias", "norm.weight", "norm.bias"}));
  EXPECT_EQ(learning("clip", "bias"),
            (Names{"norm_pre.bias", "blocks.0.norm1.bias", "blocks.0.attn.qkv.bias", "blocks.0.attn.proj.bias",
                   "blocks.0.norm2.bias", "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc2.bias", "norm.bias"}));
  EXPECT_EQ(learning("clip", "linear"), Names{});
}

TEST(TrunkKindTuning, WordsNameTheTensorsOfDinov3) {
  EXPECT_EQ(learning("dinov3", "layernorm"),
            (Names{"blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.norm2.weight", "blocks.0.norm2.bias",
                   "norm.weight", "norm.bias"}));
  EXPECT_EQ(learning("dinov3", "bias"),
            (Names{"patch_embed.proj.bias", "blocks.0.norm1.bias", "blocks.0.attn.qkv.bias", "blocks.0.attn.proj.bias",
                   "blocks.0.norm2.bias", "blocks.0.mlp.fc1.bias", "blocks.0.mlp.fc2.bias", "norm.bias"}));
  EXPECT_EQ(learning("dinov3", "lora:2"), (Names{"blocks.0.attn.qkv.lora_a", "blocks.0.attn.qkv.lora_b",
                                                 "blocks.0.attn.proj.lora_a", "blocks.0.attn.proj.lora_b"}));
  const Names full = learning("dinov3", "full");
  for (const char* name : {"cls_token", "reg_token", "blocks.0.ls1.gamma", "blocks.0.ls2.gamma"})
    EXPECT_THAT(full, testing::Contains(name));
}

// Rotary positions and layer scales lie around the changed weights: a change that is merged gives the same figures.
TEST(TrunkKindTuning, LowRankChangesLearnBesideLayerScales) {
  constexpr int kImages = 3;
  for (const std::string word : {"lora:2", "svd:2"}) {
    const Tuning tuning = *parse_tuning(word);
    const NetworkConfig config = config_of({"", kind_named("dinov3")}, Adapters::none, 3);
    const auto start = start_weights(config, tuning, 3, {});
    ASSERT_TRUE(start) << start.error().message;
    TensorMap weights = start->weights;
    for (auto& [name, tensor] : weights)  // at its random start a layer scale all but closes the blocks
      if (name.ends_with(".gamma")) tensor = hash_weights(config).at(name);
    for (const std::string& name : {std::string("blocks.0.attn.qkv."), std::string("blocks.1.attn.proj.")}) {
      const std::string factor = name + (word == "lora:2" ? "lora_b" : "svd_u");
      const auto network = make_train_network(config, weights, tuning, AttentionPath::matrices);
      EXPECT_LT(gradient_error(*network, weights, hash_images(config, kImages), kImages, factor), 1e-5) << factor;
    }
  }
}

// The maps of losses are those of the picture that the spatial prior sees, not of the network's input.
TEST(TrunkKindLosses, MasksFollowTheSpatialPicture) {
  const NetworkConfig config = config_of({"", kind_named("coarse_patches")}, Adapters::both, 3);
  ASSERT_EQ(config.image, 60);
  ASSERT_EQ(config.spatial_side(0), 6);
  const LossOptions options{.mask = 1};
  const auto network = make_train_network(config, hash_weights(config), adapter_groups());
  ASSERT_TRUE(network->add_loss_heads(init_loss_heads(config, options, 1)));
  const std::vector<float> images = hash_images(config, 2), masks(2 * 6 * 6, 0.5F), of_the_input(2 * 8 * 8, 0.5F);
  const std::vector<std::int64_t> labels = alternating_labels(2);
  const std::vector<std::uint8_t> known = {1, 1};
  const auto step = network->loss_and_gradients(StepInput{images, labels, masks, known, {}}, options);
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_FALSE(network->loss_and_gradients(StepInput{images, labels, of_the_input, known, {}}, options));
}

TEST(TrunkKindInit, LayerScalesAndTokensStartSmall) {
  NetworkConfig config = kind_named("dinov3");
  config.distilled = true;
  const TensorMap weights = init_weights(config, 3);
  EXPECT_TRUE(check_weights(config, weights));
  const std::vector<float> gammas = *weights.at("blocks.1.ls2.gamma").to_f32();
  for (const float gamma : gammas) EXPECT_EQ(gamma, 1e-5F);
  EXPECT_NEAR(norm_of(weights.at("reg_token")), 0, 1e-4);
  EXPECT_GT(norm_of(weights.at("reg_token")), 0);
  EXPECT_NEAR(norm_of(weights.at("dist_token")) / std::sqrt(config.dim), 0.02, 0.01);
}

TEST(Backbone, InteractionsFitAnyTrunk) {
  const std::map<int, int> heads = {{192, 6}, {384, 6}, {768, 6}, {1024, 8}, {1280, 10}, {1408, 11}, {7, 1}};
  for (const auto& [dim, count] : heads) EXPECT_EQ(interaction_heads(dim), count) << dim;
  EXPECT_THAT(even_stages(24), ElementsAre(StageRange{0, 7}, StageRange{8, 15}, StageRange{16, 23}));
  EXPECT_THAT(even_stages(5), ElementsAre(StageRange{0, 0}, StageRange{1, 2}, StageRange{3, 4}));
  EXPECT_THAT(even_stages(2), ElementsAre(StageRange{0, 0}, StageRange{1, 1}));
}

class BackboneFile : public testing::TestWithParam<TrunkKind> {
 protected:
  BackboneFile() {
    Model model;
    model.kind = "backbone";
    model.config = GetParam().config;
    model.config.dim = 40;  // 6 heads do not fit
    model.config.heads = 2;
    model.config.depth = 4;
    model.weights = hash_weights(model.config);
    std::erase_if(model.weights, [](const auto& item) { return item.first.starts_with("head."); });
    trunk_ = model.config;
    weights_ = model.weights;
    const Status saved = save_model(model, path_, Dtype::f32);
    EXPECT_TRUE(saved) << saved.error().message;
  }

  Result<RunConfig> parse(std::vector<std::string> overrides = {}) const {
    overrides.push_back("pretrained=" + path_);
    return parse_run_config(R"({"tuning": "gba+lsa"})", "test.json", overrides);
  }

  std::string refusal(std::vector<std::string> overrides) const {
    const auto config = parse(std::move(overrides));
    EXPECT_TRUE(config) << (config ? "" : config.error().message);
    if (!config) return "";
    const auto start = start_weights(config->network, config->tuning, 1, config->pretrained);
    EXPECT_FALSE(start);
    return start ? "" : start.error().message;
  }

  const TempDir dir_;
  const std::string path_ = (dir_ / "trunk.dfa").string();
  NetworkConfig trunk_;
  TensorMap weights_;
};

TEST_P(BackboneFile, SaysWhatNetworkItIs) {
  const auto config = parse();
  ASSERT_TRUE(config) << config.error().message;
  NetworkConfig expected;
  take_trunk(trunk_, expected);
  expected.lsa_heads = 1;
  expected.stages = {{0, 0}, {1, 1}, {2, 3}};
  EXPECT_EQ(config->network, expected) << network_config_json(config->network);
  EXPECT_EQ(trunk_differences(config->network, trunk_), "");
  const auto start = start_weights(config->network, config->tuning, 1, config->pretrained);
  ASSERT_TRUE(start) << start.error().message;
  for (const auto& [name, tensor] : weights_) EXPECT_TRUE(same(start->weights.at(name), tensor)) << name;
}

// What is said once is not asked of the file again.
TEST_P(BackboneFile, IsNotNeededToReadAResolvedConfiguration) {
  const auto config = parse({"network.lsa.heads=5", "stages=[[0,3]]"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network.lsa_heads, 5);
  EXPECT_EQ(config->network.stages.size(), 1U);
  const std::string text = run_config_json(*config);
  const auto with = parse_run_config(text, "resolved", {});
  std::filesystem::remove(path_);
  const auto without = parse_run_config(text, "resolved", {});
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->network, config->network);
  EXPECT_EQ(without->network, config->network);
}

TEST_P(BackboneFile, RefusesANetworkThatIsAnother) {
  EXPECT_THAT(refusal({"heads=1", "norm_eps=0.001"}),
              AllOf(HasSubstr("network.heads is 1, the file's trunk has 2"), HasSubstr("network.norm_eps is 0.001")));
  const bool silu = trunk_.activation == Activation::silu;
  EXPECT_THAT(refusal({silu ? "activation=gelu" : "activation=silu"}), HasSubstr("network.activation is"));
  const bool rotary = trunk_.positions == Positions::rotary;
  EXPECT_THAT(refusal({rotary ? "rotary_base=learned" : "rotary_base=100"}), HasSubstr("network.rotary_base is"));
}
INSTANTIATE_TEST_SUITE_P(Kinds, BackboneFile, testing::ValuesIn(trunk_kinds()),
                         [](const auto& made) { return made.param.name; });

// Learned positions belong to one image size; rotary ones follow from the grid.
TEST(Backbone, RotaryPositionsFitEveryImageSize) {
  NetworkConfig trunk = with_grid(kind_named("dinov3"), 2), larger = with_grid(trunk, 4);
  EXPECT_EQ(trunk_differences(larger, trunk), "");
  trunk.positions = larger.positions = Positions::learned;
  EXPECT_THAT(trunk_differences(larger, trunk), HasSubstr("network.image is 64, the file's trunk has 32"));
}

}  // namespace
}  // namespace dfa::test
