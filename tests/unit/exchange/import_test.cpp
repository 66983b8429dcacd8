#include "exchange/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "exchange/describe_import.hpp"
#include "model/verify.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Importing is tried on files that are written here, from hash-made weights of a configuration.
class Import : public testing::Test {
 protected:
  std::filesystem::path write(const TensorMap& tensors) {
    TensorFile file;
    file.tensors = tensors;
    const auto path = folder_ / "weights.safetensors";
    EXPECT_TRUE(write_safetensors(file, path));
    return path;
  }
  static ImportSettings with(std::vector<std::string> set) {
    ImportSettings settings;
    settings.set = std::move(set);
    settings.golden_crops = 0;
    return settings;
  }
  std::string official_refusal(const TensorMap& tensors,
                               std::vector<std::string> set = {"heads=2", "lsa_heads=3", "stages=[[0,0],[1,2]]"}) {
    const auto imported = import_official(write(tensors), with(std::move(set)));
    return imported ? "(was imported)"
                    : std::string(error_code_name(imported.error().code)) + ": " + imported.error().message;
  }
  test::TempDir folder_;
};

NetworkConfig even_config() {
  NetworkConfig config = test::small_config();
  config.dim = 128;
  config.heads = 2;
  config.lsa_heads = 2;
  config.mlp = 24;
  config.depth = 4;
  config.stages = {{0, 1}, {2, 3}};
  return config;
}

TensorMap trunk_of(const NetworkConfig& config) {
  TensorMap weights = hash_weights(config);
  std::erase_if(weights, [](const auto& entry) { return entry.first.starts_with("head."); });
  return weights;
}

TEST_F(Import, SizesFollowFromTheShapes) {
  const NetworkConfig config = even_config();
  const auto imported = import_official(write(hash_weights(config)), with({"lsa_heads=2"}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.config, config);
  EXPECT_THAT(imported->assumed,
              ElementsAre("heads = 2 (dim / 64)", "stages = 2 of 2 blocks each", "norm_eps = 1e-06"));
  EXPECT_EQ(imported->report.matched, imported->model.weights.size());
  EXPECT_TRUE(imported->report.ok());
  EXPECT_EQ(imported->model.kind, "detector");
  EXPECT_THAT(imported->model.training, HasSubstr("\"selected_on\":\"test\""));  // as the authors' program does
  EXPECT_EQ(imported->model.name, "weights");
}

TEST_F(Import, OtherSizesAreSet) {
  NetworkConfig config = test::small_config();
  config.norm_eps = 1e-5;
  config.classes = 3;
  const auto imported =
      import_official(write(hash_weights(config)),
                      with({"heads=2", "lsa.heads=3", "stages=[[0,0],[1,2]]", "norm_eps=1e-5", "readout=cls"}));
  ASSERT_TRUE(imported) << imported.error().message;
  config.readout = Readout::cls;
  EXPECT_EQ(imported->model.config, config);
  EXPECT_TRUE(imported->assumed.empty());
}

TEST_F(Import, AdaptersMayBeAbsentAsAWhole) {
  NetworkConfig config = even_config();
  config.gba = false;
  config.bottleneck = 64;
  EXPECT_EQ(import_official(write(hash_weights(config)), with({"lsa_heads=2"}))->model.config, config);
  config = even_config();
  config.lsa = false;
  config.readout = Readout::cls;
  const auto imported = import_official(write(hash_weights(config)), with({}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_FALSE(imported->model.config.lsa);
  EXPECT_EQ(imported->model.config.readout, Readout::cls);
  EXPECT_TRUE(imported->model.config.gba);
}

TEST_F(Import, WhatCannotBeToldIsAskedFor) {
  const TensorMap weights = hash_weights(test::small_config());
  EXPECT_THAT(official_refusal(weights, {}), HasSubstr("dim 12 is no multiple of 64"));
  EXPECT_THAT(official_refusal(weights, {}), HasSubstr("as in --set heads=3"));
  EXPECT_THAT(official_refusal(weights, {"heads=2", "lsa_heads=3"}),
              HasSubstr("3 blocks do not divide evenly between 2 interactions"));
  EXPECT_THAT(official_refusal(hash_weights(even_config()), {}),
              HasSubstr("lsa_heads is 6, which does not divide dim 128"));
}

TEST_F(Import, WrongSettingsAreRefused) {
  const TensorMap weights = hash_weights(test::small_config());
  EXPECT_THAT(official_refusal(weights, {"head=3"}), HasSubstr("usage: --set head: head \"3\" is not known"));
  EXPECT_THAT(official_refusal(weights, {"hedas=3"}), HasSubstr("did you mean heads?"));
  EXPECT_THAT(official_refusal(weights, {"heads=2", "lsa_heads=3", "stages=[[0,0],[1,2]]", "mlp=21"}),
              HasSubstr("9 of the wrong shape or type"));
  EXPECT_THAT(official_refusal(weights, {"heads=2", "lsa_heads=3", "stages=[[0,0],[1,2]]", "lsa=false", "readout=cls"}),
              HasSubstr("unexpected"));
  ImportSettings settings = with({});
  settings.crop = "round";
  EXPECT_EQ(import_official(write(weights), settings).error().code, ErrorCode::usage);
}

TEST_F(Import, TheFourListsEndAFailedLoad) {
  TensorMap weights = hash_weights(test::small_config());
  weights.erase("interactions.1.injector.gamma");
  weights["extra.weight"] = Tensor::from_f32({2}, std::vector<float>(2));
  weights["norm.bias"] = Tensor::from_f32({11}, std::vector<float>(11));
  const std::string message = official_refusal(weights);
  EXPECT_THAT(message, HasSubstr("model_tensors: "));
  EXPECT_THAT(message, HasSubstr(" tensors matched, 1 missing, 1 unexpected, 1 of the wrong shape or type"));
  EXPECT_THAT(message, HasSubstr("interactions.1.injector.gamma"));
  EXPECT_THAT(message, HasSubstr("extra.weight (F32 2)"));
  EXPECT_THAT(message, HasSubstr("norm.bias is F32 11, expected F32, F16 or BF16 12"));
}

TEST_F(Import, WeightsThatAreNoNumbersAreRefused) {
  TensorMap weights = hash_weights(test::small_config());
  weights["norm.bias"] = Tensor::from_f32({12}, std::vector<float>(12, NAN));
  EXPECT_THAT(official_refusal(weights), HasSubstr("NaN or infinity (1):\n    norm.bias"));
}

TEST_F(Import, OtherNetworksAreRefused) {
  EXPECT_THAT(official_refusal({{"conv1.weight", Tensor::from_f32({1}, std::vector<float>(1))}}),
              HasSubstr("no tensor cls_token"));
  EXPECT_THAT(official_refusal({{"conv1.weight", Tensor::from_f32({1}, std::vector<float>(1))}}),
              HasSubstr("there are 1, among them conv1.weight"));
  EXPECT_THAT(official_refusal({}), HasSubstr("no tensor cls_token"));
  TensorMap weights = hash_weights(test::small_config());
  weights["pos_embed"] = Tensor::from_f32({1, 7, 12}, std::vector<float>(84));
  EXPECT_THAT(official_refusal(weights), HasSubstr("pos_embed has 7 rows"));
  weights = hash_weights(test::small_config());
  weights["cls_token"] = Tensor::from_f32({12}, std::vector<float>(12));
  EXPECT_THAT(official_refusal(weights), HasSubstr("cls_token is 12, expected 3 dimensions"));
  weights = hash_weights(test::small_config());
  weights.erase("head.1.weight");
  EXPECT_THAT(official_refusal(weights), HasSubstr("no tensor head.1.weight"));
}

TEST_F(Import, DoublesBecomeFloats) {
  TensorMap weights = hash_weights(test::small_config());
  const auto want = weights.at("norm.bias").to_f32().value();
  weights["norm.bias"] = convert_floats(weights.at("norm.bias"), Dtype::f64);
  const auto imported = import_official(write(weights), with({"heads=2", "lsa_heads=3", "stages=[[0,0],[1,2]]"}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.weights.at("norm.bias").dtype, Dtype::f32);
  EXPECT_EQ(imported->model.weights.at("norm.bias").to_f32().value(), want);
}

TEST_F(Import, TheFileCarriesItsProofAndItsOrigin) {
  ImportSettings settings = with({"heads=2", "lsa_heads=3", "stages=[[0,0],[1,2]]"});
  settings.golden_crops = 2;
  settings.weights_dtype = Dtype::f16;
  const auto imported = import_official(write(hash_weights(test::small_config())), settings);
  ASSERT_TRUE(imported) << imported.error().message;
  ASSERT_TRUE(save_model(imported->model, folder_ / "m.dfa", Dtype::f16));
  const Model model = load_model(folder_ / "m.dfa").value();
  EXPECT_TRUE(verify_model(model, {Precision::ref})->ok());
  EXPECT_EQ(verify_model(model, {Precision::ref})->groups[0].largest, 0);
  EXPECT_THAT(model.training, HasSubstr(imported->source.sha256));
  EXPECT_THAT(model.training, HasSubstr(R"("kind":"official","file":"weights.safetensors")"));
  EXPECT_THAT(model.license, HasSubstr("no licence"));
  EXPECT_THAT(model.card, HasSubstr("Not validated"));
}

TEST_F(Import, AModelFileIsNoCheckpoint) {
  ASSERT_TRUE(save_model(test::small_model(), folder_ / "m.dfa", Dtype::f32));
  EXPECT_THAT(import_official(folder_ / "m.dfa", with({})).error().message, HasSubstr("a model file already"));
}

TEST_F(Import, TimmGivesABackboneWithoutItsHead) {
  NetworkConfig config = even_config();
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  TensorMap weights = hash_weights(config);
  std::erase_if(weights, [](const auto& entry) { return entry.first.starts_with("head."); });
  const std::size_t trunk = weights.size();
  weights["head.weight"] = Tensor::from_f32({5, 128}, std::vector<float>(640));
  weights["head.bias"] = Tensor::from_f32({5}, std::vector<float>(5));
  weights["pre_logits.fc.weight"] = Tensor::from_f32({128, 128}, std::vector<float>(128 * 128));
  weights["pre_logits.fc.bias"] = Tensor::from_f32({128}, std::vector<float>(128));
  const auto imported = import_timm(write(weights), with({}));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.kind, "backbone");
  EXPECT_EQ(imported->model.weights.size(), trunk);
  EXPECT_THAT(imported->report.ignored,
              UnorderedElementsAre("head.weight (F32 5x128)", "head.bias (F32 5)", "pre_logits.fc.weight (F32 128x128)",
                                   "pre_logits.fc.bias (F32 128)"));
  EXPECT_FALSE(imported->model.config.gba || imported->model.config.lsa);
  ASSERT_TRUE(save_model(imported->model, folder_ / "b.dfa", Dtype::f16));
  const auto read = load_model(folder_ / "b.dfa");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->config.heads, 2);
}

TEST_F(Import, TheLicenceIsRecordedAndTheStepsAreTold) {
  NetworkConfig config = even_config();
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  ImportSettings settings = with({"image=48"});
  settings.license = "MIT, as its author wrote";
  std::vector<std::string> steps;
  settings.progress = [&](std::string_view step) { steps.emplace_back(step); };
  const auto imported = import_timm(write(trunk_of(config)), settings);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->model.license, "MIT, as its author wrote");
  EXPECT_FALSE(steps.empty());
  EXPECT_EQ(imported->model.config.image, 48);
  EXPECT_THAT(imported->notes, ElementsAre(HasSubstr("bicubic with antialiasing")));
  EXPECT_THAT(imported->model.training, HasSubstr("positions resampled from"));
  EXPECT_THAT(import_text(*imported), HasSubstr("to know (1)\n  positions resampled from"));
}

TEST_F(Import, AWordThatIsNoKindIsAMistakeOfUsage) {
  EXPECT_EQ(import_by_word("tim", "weights.pth", {}).error().code, ErrorCode::usage);
}

TEST_F(Import, TimmIsStrictToo) {
  NetworkConfig config = even_config();
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  TensorMap weights = hash_weights(config);
  std::erase_if(weights, [](const auto& entry) { return entry.first.starts_with("head."); });
  weights["blocks.1.attn.q_norm.weight"] = Tensor::from_f32({64}, std::vector<float>(64));
  weights.erase("blocks.3.attn.qkv.bias");
  const auto imported = import_timm(write(weights), with({}));
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, HasSubstr("blocks.1.attn.q_norm.weight"));
  EXPECT_THAT(imported.error().message, HasSubstr("blocks.3.attn.qkv.bias"));
  weights = hash_weights(config);
  EXPECT_EQ(import_timm(write(weights), with({"lsa=true"})).error().code, ErrorCode::usage);
}

TEST_F(Import, TheSharedCheckpointInAllContainers) {
  DFA_REQUIRE_SHARED();
  for (const char* name : {"checkpoint.pt", "checkpoint_legacy.pt", "weights.safetensors"}) {
    const auto imported = import_official(test::shared_path(std::string("oracle/tiny/") + name), with({"heads=3"}));
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_EQ(imported->report.matched, 207u);
    EXPECT_EQ(imported->model.config.stages, (std::vector<StageRange>{{0, 1}, {2, 3}, {4, 5}}));
    EXPECT_EQ(count_parameters(imported->model.config).adapters, 1'129'384);
    EXPECT_EQ(imported->source.wrapper, name == std::string("weights.safetensors") ? "" : "best_state_dict");
  }
}

TEST(DescribeImport, SaysWhatWasReadAndAssumed) {
  Imported imported;
  imported.model = test::small_model();
  imported.source = {.file = "best_model.pt",
                     .sha256 = "ab",
                     .container = "torch zip",
                     .wrapper = "best_state_dict",
                     .stripped_prefixes = 7,
                     .ignored = {"epoch: 3"},
                     .foreign_globals = {"argparse.Namespace"}};
  imported.report.matched = 207;
  imported.assumed = {"heads = 2 (dim / 64)"};
  const std::string text = import_text(imported);
  for (const char* part : {"best_model.pt: torch zip with its tensors below best_state_dict", "stripped from 7 names",
                           "207 tensors matched, 0 missing, 0 unexpected, 0 of the wrong shape", "heads = 2 (dim / 64)",
                           "epoch: 3", "argparse.Namespace"})
    EXPECT_THAT(text, HasSubstr(part));
  const json shown = json::parse(import_json(imported));
  EXPECT_EQ(shown.at("tensors").at("matched"), 207);
  EXPECT_EQ(shown.at("source").at("wrapper"), "best_state_dict");
}

TEST(ImportOfficial, TheAuthorsNumbersAreReproduced) {
  DFA_REQUIRE_SHARED();
  ImportSettings settings;
  settings.set = {"heads=3"};
  settings.golden_crops = 0;
  const auto imported = import_official(test::shared_path("oracle/tiny/checkpoint.pt"), settings).value();
  const auto golden = read_safetensors(test::shared_path("oracle/tiny/golden.safetensors")).value();
  const auto report = verify_against_golden(imported.model, golden, {Precision::ref, Precision::f32}).value();
  ASSERT_EQ(report.groups.size(), 4u);
  for (const VerifiedGroup& group : report.groups)
    EXPECT_TRUE(group.ok()) << group.engine << " " << group.group << " " << group.largest;
  EXPECT_TRUE(report.notes.empty());
}

}  // namespace
}  // namespace dfa
