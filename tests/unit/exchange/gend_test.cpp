// GenD and DeepfakeBench's CLIP: the authors' numbers (shared goldens), and files of other sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>

#include "exchange/describe_import.hpp"
#include "exchange/import.hpp"
#include "exchange/names_clip.hpp"
#include "exchange/names_dinov3.hpp"
#include "model/describe.hpp"
#include "model/load_report.hpp"
#include "model/verify.hpp"
#include "support/close.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ImportSettings with(std::vector<std::string> set = {}) {
  ImportSettings settings;
  settings.set = std::move(set);
  settings.golden_crops = 0;
  return settings;
}

class Layers final : public BlockObserver {
 public:
  void after_block(int image, int block, std::span<const float> x) override {
    values[{block, image}].assign(x.begin(), x.end());
  }
  std::map<std::pair<int, int>, std::vector<float>> values;
};

// --- the authors' numbers ---

std::vector<float> floats(const TensorFile& file, const std::string& name) {
  return file.tensors.at(name).to_f32().value();
}

// The authors' float32 differs from double by 4e-6 in tokens of size 3.
constexpr test::Tolerance kTokens = {.absolute = 3e-5};
constexpr test::Tolerance kLogits = {.absolute = 1e-5};

TEST(GendGolden, LogitsFeaturesAndEveryLayer) {
  DFA_REQUIRE_SHARED();
  const auto imported = import_gend(test::shared_path("oracle/gend_tiny"), with());
  ASSERT_TRUE(imported) << imported.error().message;
  const auto golden = read_safetensors(test::shared_path("oracle/gend_tiny/golden.safetensors")).value();
  const std::vector<float> images = floats(golden, "images");
  const NetworkConfig& config = imported->model.config;
  const int n = static_cast<int>(golden.tensors.at("images").shape[0]);
  for (const Precision precision : {Precision::ref, Precision::f32}) {
    SCOPED_TRACE(precision_name(precision));
    Layers layers;
    const auto network =
        make_network(config, imported->model.weights, {.precision = precision, .threads = 1, .observer = &layers});
    ASSERT_TRUE(network) << network.error().message;
    std::vector<float> logits(static_cast<std::size_t>(2 * n)), feature(static_cast<std::size_t>(config.dim * n));
    ASSERT_TRUE((*network)->forward(images, n, {.logits = logits, .feature = feature}));
    EXPECT_TRUE(test::expect_close(logits, floats(golden, "logits64"), kLogits));
    EXPECT_TRUE(test::expect_close(feature, floats(golden, "features"), kTokens));
    for (int block = -1; block < config.depth; ++block) {
      const std::vector<float> wanted =
          floats(golden, block < 0 ? "tokens.pre_norm" : fmt::format("tokens.layer.{}", block));
      std::vector<float> got;
      for (int i = 0; i < n; ++i)
        got.insert(got.end(), layers.values[{block, i}].begin(), layers.values[{block, i}].end());
      EXPECT_TRUE(test::expect_close(got, wanted, kTokens)) << "block " << block;
    }
  }
}

// What no shape tells moves the numbers: the golden would notice.
TEST(GendGolden, EveryFieldThatNoShapeTellsMatters) {
  DFA_REQUIRE_SHARED();
  const auto golden = read_safetensors(test::shared_path("oracle/gend_tiny/golden.safetensors")).value();
  const std::vector<float> images = floats(golden, "images");
  for (const char* wrong : {"heads=3", "activation=gelu", "norm_eps=1e-3", "head=linear"}) {
    const auto imported = import_gend(test::shared_path("oracle/gend_tiny"), with({wrong}));
    ASSERT_TRUE(imported) << imported.error().message;
    const auto network = make_network(imported->model.config, imported->model.weights, {.threads = 1});
    std::vector<float> logits(8);
    ASSERT_TRUE((*network)->forward(images, 4, {.logits = logits, .feature = {}}));
    EXPECT_FALSE(test::expect_close(logits, floats(golden, "logits64"), kLogits)) << wrong;
  }
}

TEST(GendGolden, TheModelFileSaysWhatItIs) {
  DFA_REQUIRE_SHARED();
  ImportSettings settings = with();
  settings.golden_crops = 1;
  const auto imported = import_gend(test::shared_path("oracle/gend_tiny"), settings);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->report.matched, 57u);
  EXPECT_THAT(imported->report.ignored, ElementsAre("feature_extractor.visual_projection.weight (F32 32x48)"));
  EXPECT_TRUE(imported->assumed.empty());  // the backbone's config.json tells heads, activation and eps
  EXPECT_EQ(imported->model.config.heads, 4);
  EXPECT_EQ(imported->model.name, "gend_tiny");
  const test::TempDir folder;
  ASSERT_TRUE(save_model(imported->model, folder / "gend.dfa", Dtype::f32));
  const auto model = load_model(folder / "gend.dfa");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->item_rule, ItemRule::largest_face);
  EXPECT_EQ(model->crop, crop_recipe_by_name("gend").value());
  EXPECT_TRUE(verify_model(*model, {Precision::ref, Precision::f32}, 1)->ok());
  const std::string shown = model_text(*model);
  EXPECT_THAT(shown, HasSubstr("detector substituted: SCRFD det_10g (non-commercial) by mtcnn"));
  EXPECT_THAT(shown, HasSubstr("mean over the frames, of each its largest face"));
  EXPECT_THAT(shown, HasSubstr("does not have the SHA-256 that third parties report"));
  EXPECT_THAT(model->license, HasSubstr("MIT"));
  EXPECT_THAT(model->training, HasSubstr(imported->source.sha256));
}

// --- files of other sizes, made here ---

struct Made {
  NetworkConfig config;
  std::string prefix = "feature_extractor.vision_model.";
  std::string backbone = "someone/clip-vit-odd";
  std::string head = "LinearNorm";
};

// Patches of 16 and 32, a picture that is no multiple of 56, heads that are not 64 wide.
NetworkConfig odd_config() {
  NetworkConfig config;
  config.image = 96;
  config.patch = 32;
  config.dim = 40;
  config.depth = 2;
  config.heads = 5;
  config.mlp = 24;
  config.activation = Activation::quick_gelu;
  config.norm_eps = 1e-5;
  config.pre_norm = true;
  config.patch_bias = false;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  config.head = HeadKind::l2_linear;
  return config;
}

TensorMap gend_tensors(const Made& made) {
  const TensorMap ours = hash_weights(made.config);
  const bool dino = made.config.positions == Positions::rotary;
  TensorMap theirs =
      to_theirs(dino ? names_dinov3(made.config, made.prefix, {.key = true}) : names_clip(made.config, made.prefix),
                ours)
          .value();
  theirs.emplace("model.linear.weight", ours.at("head.1.weight"));
  theirs.emplace("model.linear.bias", ours.at("head.1.bias"));
  if (!dino)
    theirs.emplace(
        "feature_extractor.visual_projection.weight",
        Tensor::from_f32({7, made.config.dim}, std::vector<float>(7 * static_cast<std::size_t>(made.config.dim))));
  return theirs;
}

class Gend : public testing::Test {
 protected:
  // A release's folder without the backbone's own files.
  std::filesystem::path write(const TensorMap& tensors, const Made& made) {
    TensorFile file;
    file.tensors = tensors;
    EXPECT_TRUE(write_safetensors(file, folder_ / "model.safetensors"));
    test::write_bytes(
        folder_ / "config.json",
        fmt::format(R"({{"model_type": "GenD", "backbone": "{}", "head": "{}"}})", made.backbone, made.head));
    return folder_.path();
  }
  test::TempDir folder_;
};

TEST_F(Gend, NothingAboutTheSizesIsWiredIn) {
  Made made{.config = odd_config()};
  const auto imported = import_gend(write(gend_tensors(made), made), with({"heads=5"}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, made.config);
  EXPECT_EQ(imported->model.weights.at("blocks.1.attn.qkv.weight").to_f32().value(),
            hash_weights(made.config).at("blocks.1.attn.qkv.weight").to_f32().value());
  ImportSettings other_crop = with({"heads=5"});
  other_crop.crop = "square1.3-inside";
  const auto cropped = import_gend(write(gend_tensors(made), made), other_crop);
  EXPECT_EQ(cropped->model.crop.kind, CropKind::square_inside);
  EXPECT_EQ(cropped->model.crop.mean, imported->model.crop.mean);
  made.head = "linear";
  EXPECT_EQ(import_gend(write(gend_tensors(made), made), with({"heads=5"}))->model.config.head, HeadKind::linear);
}

TEST_F(Gend, TheBackbonesOwnFileTellsTheHeads) {
  const Made made{.config = odd_config()};
  const auto place = write(gend_tensors(made), made);
  std::filesystem::create_directory(place / "clip-vit-odd");
  const std::string fields = R"("num_attention_heads": 5, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5)";
  test::write_bytes(place / "clip-vit-odd" / "config.json",
                    R"({"model_type": "clip", "vision_config": {)" + fields + "}}");
  const auto imported = import_gend(place, with());
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, made.config);
  // The file alone finds them as well, and OpenAI's own names need no file.
  EXPECT_EQ(import_gend(place / "model.safetensors", with())->model.config.heads, 5);
  Made known{.config = odd_config(), .backbone = "openai/clip-vit-large-patch14"};
  known.config.dim = 128;
  known.config.heads = 2;
  const auto released = import_gend(write(gend_tensors(known), known), with());
  ASSERT_TRUE(released) << released.error().message;
  EXPECT_EQ(released->model.config, known.config);
  EXPECT_THAT(released->assumed, testing::Contains("heads = 2 (dim / 64)"));
}

TEST_F(Gend, Dinov3IsItsEncoderToo) {
  Made made{.config = odd_config(),
            .prefix = "feature_extractor.backbone.",
            .backbone = "facebook/dinov3-vitl16-pretrain-lvd1689m"};
  made.config.image = 64;
  made.config.patch = 16;
  made.config.heads = 2;
  made.config.activation = Activation::gelu;
  made.config.pre_norm = false;
  made.config.patch_bias = made.config.layer_scale = true;
  made.config.registers = 4;
  made.config.positions = Positions::rotary;
  const auto imported = import_gend(write(gend_tensors(made), made), with({"heads=2", "image=64"}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, made.config);
  EXPECT_EQ(imported->model.crop.mean[0], 0.485);
  EXPECT_THAT(imported->model.license, HasSubstr("DINOv3 License"));
}

TEST_F(Gend, WhatIsWrongIsNamed) {
  const Made good{.config = odd_config()};
  struct Wrong {
    std::function<void(TensorMap&)> change;
    std::vector<std::string> set;
    std::string expected;
  };
  const std::string bias = "feature_extractor.vision_model.encoder.layers.0.self_attn.k_proj.bias";
  const std::vector<Wrong> cases = {
      {[&](TensorMap& t) { t.erase(bias); }, {"heads=5"}, "missing (1):\n    " + bias},
      {[&](TensorMap& t) { t.emplace("classifier.weight", t.at(bias)); }, {"heads=5"}, "classifier.weight (F32 40)"},
      {[](TensorMap& t) { std::swap(t.at("model.linear.weight").shape[0], t.at("model.linear.weight").shape[1]); },
       {"heads=5"},
       "model.linear.weight is F32 40x2, expected F32, F16 or BF16 2x40"},
      {[](TensorMap& t) { t.erase("model.linear.weight"); }, {"heads=5"}, "missing (1):\n    model.linear.weight"},
      {[](TensorMap&) {}, {"heads=7"}, "heads is 7, which does not divide dim 40"},
      {[](TensorMap&) {}, {}, "the backbone someone/clip-vit-odd is not known"},
      {[](TensorMap& t) { t.emplace("feature_extractor.backbone.blocks.0.norm1.weight", t.at("model.linear.bias")); },
       {"heads=5"},
       "Perception Encoder (GenD_PE_L)"},
      {[](TensorMap& t) {
         t.at("model.linear.weight") = Tensor::from_f32({3, 40}, std::vector<float>(120));
         t.at("model.linear.bias") = Tensor::from_f32({3}, std::vector<float>(3));
       },
       {"heads=5"},
       "tells 3 classes apart"}};
  for (const Wrong& wrong : cases) {
    SCOPED_TRACE(wrong.expected);
    TensorMap tensors = gend_tensors(good);
    wrong.change(tensors);
    const auto imported = import_gend(write(tensors, good), with(wrong.set));
    ASSERT_FALSE(imported);
    EXPECT_THAT(imported.error().message, HasSubstr(wrong.expected));
  }
  const auto place = write(gend_tensors(good), good);
  test::write_bytes(place / "config.json", R"({"model_type": "CLIP", "backbone": "x", "head": "LinearNorm"})");
  EXPECT_THAT(import_gend(place, with()).error().message, HasSubstr("model_type"));
}

TEST(DfbClip, ALinearHeadOnTheClassToken) {
  NetworkConfig config = odd_config();
  config.head = HeadKind::linear;
  const TensorMap ours = hash_weights(config);
  TensorFile file;
  const TensorMap trunk = to_theirs(names_clip(config, "backbone."), ours).value();
  for (const auto& [name, tensor] : trunk) file.tensors.emplace("module." + name, tensor);
  file.tensors.emplace("module.head.weight", ours.at("head.1.weight"));
  file.tensors.emplace("module.head.bias", ours.at("head.1.bias"));
  const test::TempDir folder;
  ASSERT_TRUE(write_safetensors(file, folder / "ckpt_best.pth"));
  const auto imported = import_dfb_clip(folder / "ckpt_best.pth", with({"heads=5"}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, config);
  EXPECT_EQ(imported->model.crop.name, "dfb");
  EXPECT_EQ(imported->model.item_rule, ItemRule::persons);
  EXPECT_THAT(imported->model.license, HasSubstr("BY-NC"));
  EXPECT_THAT(import_text(*imported), HasSubstr("OpenCV's cubic kernel"));
}

}  // namespace
}  // namespace dfa
