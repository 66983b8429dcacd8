// Trunks in the form of Hugging Face's transformers: there and back, and what is refused.
#include "exchange/export_hf.hpp"
#include "exchange/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "base/file.hpp"
#include "model/load_report.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

NetworkConfig clip_config() {
  NetworkConfig config;
  config.image = 24;
  config.patch = 8;
  config.dim = 24;
  config.depth = 2;
  config.heads = 3;
  config.mlp = 40;
  config.activation = Activation::quick_gelu;
  config.norm_eps = 1e-5;
  config.pre_norm = true;
  config.patch_bias = false;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  return config;
}

NetworkConfig dinov2_config() {
  NetworkConfig config = clip_config();
  config.activation = Activation::gelu;
  config.norm_eps = 1e-6;
  config.pre_norm = false;
  config.patch_bias = true;
  config.layer_scale = true;
  return config;
}

NetworkConfig gated(NetworkConfig config) {
  config.gated_mlp = true;
  config.activation = Activation::silu;
  return config;
}

NetworkConfig with_registers(NetworkConfig config) {
  config.registers = 3;
  return config;
}

NetworkConfig dinov3_config() {
  NetworkConfig config = with_registers(dinov2_config());
  config.positions = Positions::rotary;
  config.heads = 2;
  return config;
}

// A backbone of hash-made weights. DINOv3's k has no bias: zeros.
Model backbone(const NetworkConfig& config) {
  Model model;
  model.kind = "backbone";
  model.config = config;
  const TensorMap all = hash_weights(config);
  for (const ParameterSpec& spec : trunk_parameters(config)) model.weights.emplace(spec.name, all.at(spec.name));
  if (config.positions != Positions::rotary) return model;
  const auto dim = static_cast<std::size_t>(config.dim);
  for (int i = 0; i < config.depth; ++i) {
    Tensor& bias = model.weights.at("blocks." + std::to_string(i) + ".attn.qkv.bias");
    std::vector<float> values = bias.to_f32().value();
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(dim), dim, 0.0F);
    bias = Tensor::from_f32(bias.shape, values);
  }
  return model;
}

ImportSettings with(std::vector<std::string> set = {}) {
  ImportSettings settings;
  settings.set = std::move(set);
  return settings;
}

void expect_equal(const TensorMap& got, const TensorMap& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    EXPECT_EQ(got.at(name).shape, tensor.shape) << name;
    EXPECT_TRUE(std::ranges::equal(got.at(name).bytes, tensor.bytes)) << name;
  }
}

TEST(HfExchange, ThereAndBackIsTheSameModelAndTheSameFile) {
  const test::TempDir folder;
  const std::pair<const char*, NetworkConfig> kinds[] = {
      {"CLIPVisionModel", clip_config()},      {"Dinov2Model", dinov2_config()},
      {"Dinov2Model", gated(dinov2_config())}, {"Dinov2WithRegistersModel", with_registers(dinov2_config())},
      {"DINOv3ViTModel", dinov3_config()},     {"DINOv3ViTModel", gated(dinov3_config())}};
  int number = 0;
  for (const auto& [architecture, config] : kinds) {
    SCOPED_TRACE(architecture);
    const Model model = backbone(config);
    const auto files = hf_files(model);
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(files->architecture, architecture);
    const auto place = folder / std::to_string(number++);
    ASSERT_TRUE(write_hf_folder(*files, place));
    const auto imported = import_hf(place, with());
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_EQ(imported->model.config, config);
    EXPECT_EQ(imported->model.kind, "backbone");
    expect_equal(imported->model.weights, model.weights);
    const auto again = hf_files(imported->model);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->config, files->config);
    EXPECT_EQ(serialize_safetensors(again->weights).value(), serialize_safetensors(files->weights).value());
  }
}

// A file that was changed by hand, and what the refusal must name.
struct Wrong {
  std::string what;
  std::function<void(TensorMap&)> tensors = {};
  std::vector<std::pair<std::string, std::string>> config = {};  // text, its replacement
  std::string expected;
};

void rename_tensor(TensorMap& tensors, const std::string& from, const std::string& to) {
  tensors.emplace(to, tensors.at(from));
  tensors.erase(from);
}

void transpose(TensorMap& tensors, const std::string& name) {
  std::swap(tensors.at(name).shape[0], tensors.at(name).shape[1]);
}

TEST(HfExchange, ADamagedFileIsRefusedByName) {
  const std::string norm = "vision_model.post_layernorm.bias";
  const std::string fc1 = "vision_model.encoder.layers.1.mlp.fc1.weight";
  const std::vector<Wrong> cases = {
      {"missing", [&](TensorMap& t) { t.erase(norm); }, {}, "missing (1):\n    " + norm},
      {"renamed",
       [&](TensorMap& t) { rename_tensor(t, norm, "vision_model.post_norm.bias"); },
       {},
       "vision_model.post_norm.bias"},
      {"transposed",
       [&](TensorMap& t) { transpose(t, fc1); },
       {},
       fc1 + " is F32 24x40, expected F32, F16 or BF16 40x24"},
      {"no first tensor",
       [](TensorMap& t) { t.erase("vision_model.embeddings.class_embedding"); },
       {},
       "no tensor vision_model.embeddings.class_embedding"},
      {"not a number",
       [&](TensorMap& t) { t.at(norm) = Tensor::from_f32({24}, std::vector<float>(24, std::nanf(""))); },
       {},
       "NaN or infinity"},
      {"no square",
       [](TensorMap& t) {
         t.at("vision_model.embeddings.position_embedding.weight") =
             Tensor::from_f32({9, 24}, std::vector<float>(std::size_t{9} * 24));
       },
       {},
       "position_embedding.weight has 9 rows"},
      {"other heads",
       {},
       {{"\"num_attention_heads\": 3", "\"num_attention_heads\": 5"}},
       "heads is 5, which does not divide dim 24"},
      {"other width", {}, {{"\"hidden_size\": 24", "\"hidden_size\": 48"}}, "hidden_size: 48 against 24"},
      {"other depth", {}, {{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"}}, "num_hidden_layers: 3 against 2"},
      {"other picture", {}, {{"\"image_size\": 24", "\"image_size\": 32"}}, "image_size: 32 against 24"},
      {"other kind", {}, {{"clip_vision_model", "siglip_vision_model"}}, "model_type is \"siglip_vision_model\""},
      {"other library",
       {},
       {{"clip_vision_model", "dinov2"}},
       "config.json says dinov2, the tensors are a vision tower"},
      {"odd activation", {}, {{"quick_gelu", "relu"}}, "hidden_act"},
      {"huge", {}, {{"\"image_size\": 24", "\"image_size\": 99999999999"}}, "image_size"},
      {"no JSON", {}, {{"{", "["}}, "config.json"}};
  const test::TempDir folder;
  const auto files = hf_files(backbone(clip_config()));
  ASSERT_TRUE(files) << files.error().message;
  for (const Wrong& wrong : cases) {
    SCOPED_TRACE(wrong.what);
    HfFiles changed = *files;
    if (wrong.tensors) wrong.tensors(changed.weights.tensors);
    for (const auto& [from, to] : wrong.config) {
      const std::size_t at = changed.config.find(from);
      ASSERT_NE(at, std::string::npos);
      changed.config.replace(at, from.size(), to);
    }
    ASSERT_TRUE(write_hf_folder(changed, folder / "m"));
    const auto imported = import_hf(folder / "m", with());
    ASSERT_FALSE(imported);
    EXPECT_THAT(imported.error().message, HasSubstr(wrong.expected));
  }
}

TEST(HfExchange, AFileAloneIsReadWithWhatIsAssumed) {
  NetworkConfig config = clip_config();
  config.dim = 64;
  config.heads = 1;
  const test::TempDir folder;
  ASSERT_TRUE(write_hf_folder(hf_files(backbone(config)).value(), folder / "m"));
  std::filesystem::remove(folder / "m" / "config.json");
  const auto imported = import_hf(folder / "m" / "model.safetensors", with());
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, config);
  EXPECT_EQ(imported->model.name, "m");
  EXPECT_THAT(imported->assumed, testing::ElementsAre("heads = 1 (dim / 64)", "norm_eps = 1e-05 (CLIP's)"));
  EXPECT_THAT(import_hf(folder / "m", with({"gba=true"})).error().message, HasSubstr("gba, lsa and readout"));
  EXPECT_EQ(import_hf(folder / "none", with()).error().code, ErrorCode::file_not_found);
}

TEST(HfExchange, WhatTransformersCannotHoldIsNotWritten) {
  NetworkConfig config = clip_config();
  config.patch_bias = true;
  EXPECT_THAT(hf_files(backbone(config)).error().message, HasSubstr("otherwise not as in CLIP"));
  config.pre_norm = false;
  EXPECT_THAT(hf_files(backbone(config)).error().message, HasSubstr("layer scale"));
  config = dinov3_config();
  Model model = backbone(config);
  model.weights = backbone(config).weights;
  const TensorMap all = hash_weights(config);
  model.weights.at("blocks.0.attn.qkv.bias") = all.at("blocks.0.attn.qkv.bias");
  EXPECT_THAT(hf_files(model).error().message, HasSubstr("blocks.0.attn.qkv.bias has values"));
  config = gated(dinov2_config());
  config.mlp = 36;
  EXPECT_THAT(hf_files(backbone(config)).error().message, HasSubstr("a gated MLP of 36"));
}

}  // namespace
}  // namespace dfa
