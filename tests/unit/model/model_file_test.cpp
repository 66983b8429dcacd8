#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "model/describe.hpp"
#include "model/golden.hpp"
#include "model/model_save.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

// The file that save_model would write, to be damaged.
TensorFile file_of(const Model& model) {
  return model_tensor_file(model, Dtype::f32).value();
}

struct Refusal {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};
Refusal refusal(const TensorFile& file) {
  const auto bytes = serialize_safetensors(file).value();
  const auto model = parse_model(bytes, nullptr);
  return model ? Refusal{ErrorCode::internal, "(was read)"} : Refusal{model.error().code, model.error().message};
}
std::string message_with(std::string_view key, std::string_view value) {
  TensorFile file = file_of(test::small_model());
  file.metadata[std::string(key)] = value;
  const Refusal refused = refusal(file);
  EXPECT_EQ(refused.code, ErrorCode::model_incompatible) << refused.message;
  return refused.message;
}

Model full_model() {
  Model model = test::small_model();
  model.calibration = Calibration{.temperature = 1.5,
                                  .thresholds = {{"fpr1", 0.9, 0.01, 0.5}, {"fpr5", 0.7, 0.05, 0.8}},
                                  .set = "held out",
                                  .reals = 100,
                                  .fakes = 200,
                                  .date = "2026-01-02"};
  model.golden = make_golden(model, synthetic_crops(3, 40), 3, Dtype::f32).value();
  return model;
}

TEST(ModelFile, RoundTripKeepsEverything) {
  const test::TempDir folder;
  const Model model = full_model();
  ASSERT_TRUE(save_model(model, folder / "m.dfa", Dtype::f32));
  const auto read = load_model(folder / "m.dfa");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind, "detector");
  EXPECT_EQ(read->name, "small");
  EXPECT_EQ(read->config, model.config);
  EXPECT_EQ(read->crop, model.crop);
  EXPECT_EQ(read->license, model.license);
  EXPECT_EQ(read->card, model.card);
  EXPECT_EQ(read->training, model.training);
  EXPECT_EQ(read->sha256, sha256_file(folder / "m.dfa").value());
  ASSERT_TRUE(read->calibration);
  EXPECT_EQ(read->calibration->temperature, 1.5);
  ASSERT_EQ(read->calibration->thresholds.size(), 2u);
  EXPECT_EQ(read->calibration->thresholds[1].name, "fpr5");
  EXPECT_EQ(read->calibration->thresholds[1].measured_tpr, 0.8);
  EXPECT_EQ(read->calibration->set, "held out");
  EXPECT_EQ(read->calibration->reals, 100);
  EXPECT_EQ(read->calibration->fakes, 200);
  EXPECT_EQ(read->calibration->date, "2026-01-02");
  ASSERT_TRUE(read->golden);
  EXPECT_EQ(read->golden->crops, model.golden->crops);
  EXPECT_EQ(read->golden->logits, model.golden->logits);
  ASSERT_EQ(read->weights.size(), model.weights.size());
  for (const auto& [name, tensor] : model.weights)
    EXPECT_TRUE(std::ranges::equal(read->weights.at(name).bytes, tensor.bytes)) << name;
}

TEST(ModelFile, EqualModelsGiveEqualBytes) {
  const test::TempDir folder;
  ASSERT_TRUE(save_model(full_model(), folder / "a", Dtype::f16));
  ASSERT_TRUE(save_model(load_model(folder / "a").value(), folder / "b", Dtype::f16));
  EXPECT_EQ(sha256_file(folder / "a").value(), sha256_file(folder / "b").value());
}

TEST(ModelFile, HalvesAreForWeightsOnly) {
  const test::TempDir folder;
  ASSERT_TRUE(save_model(test::small_model(), folder / "m", Dtype::f16));
  const Model read = load_model(folder / "m").value();
  EXPECT_EQ(read.weights.at("blocks.0.attn.qkv.weight").dtype, Dtype::f16);
  EXPECT_EQ(read.weights.at("head.0.running_var").dtype, Dtype::f32);
  EXPECT_EQ(read.weights.at("head.0.num_batches_tracked").dtype, Dtype::i64);
  Model large = test::small_model();
  large.weights["norm.bias"] = Tensor::from_f32({12}, std::vector<float>(12, 70000.0f));
  const Status status = save_model(large, folder / "n", Dtype::f16);
  EXPECT_EQ(status.error().code, ErrorCode::model_incompatible);
  EXPECT_THAT(status.error().message, HasSubstr("norm.bias holds a value beyond 65504"));
  EXPECT_FALSE(std::filesystem::exists(folder / "n"));
  EXPECT_TRUE(save_model(large, folder / "n", Dtype::f32));
}

TEST(ModelFile, SavingChecksWhatLoadingWould) {
  const test::TempDir folder;
  Model model = test::small_model();
  model.weights.erase("norm.bias");
  EXPECT_EQ(save_model(model, folder / "m", Dtype::f32).error().code, ErrorCode::model_tensors);
  model = test::small_model();
  model.config.heads = 5;
  EXPECT_EQ(save_model(model, folder / "m", Dtype::f32).error().code, ErrorCode::model_incompatible);
  model = test::small_model();
  model.training = "not JSON";
  EXPECT_EQ(save_model(model, folder / "m", Dtype::f32).error().code, ErrorCode::model_incompatible);
  model = full_model();
  model.golden->side = 41;
  EXPECT_EQ(save_model(model, folder / "m", Dtype::f32).error().code, ErrorCode::internal);
  EXPECT_EQ(save_model(test::small_model(), folder / "m", Dtype::bf16).error().code, ErrorCode::usage);
  EXPECT_FALSE(std::filesystem::exists(folder / "m"));
}

TEST(ModelFile, BackbonesHoldATrunkAlone) {
  const test::TempDir folder;
  ASSERT_TRUE(save_model(test::small_backbone(), folder / "m", Dtype::f32));
  const Model read = load_model(folder / "m").value();
  EXPECT_EQ(read.kind, "backbone");
  EXPECT_FALSE(read.weights.contains("head.1.weight"));
  TensorFile file = file_of(test::small_backbone());
  EXPECT_THAT(file.metadata.at("dfa.config"), HasSubstr(R"("gba":false,"lsa":false,"readout":false,"head":false)"));
  EXPECT_FALSE(file.metadata.contains("dfa.crop"));
  file.metadata["dfa.crop"] = crop_recipe_json({});
  EXPECT_THAT(refusal(file).message, HasSubstr("dfa.crop is present"));
  file = file_of(test::small_backbone());
  file.tensors["head.1.bias"] = Tensor::from_f32({2}, std::vector<float>{0, 0});
  EXPECT_THAT(refusal(file).message, HasSubstr("head.1.bias (F32 2)"));
  file = file_of(test::small_backbone());
  file.metadata["dfa.config"].replace(file.metadata["dfa.config"].find("\"gba\":false"), 11,
                                      "\"gba\":{\"bottleneck\":4}");
  EXPECT_THAT(refusal(file).message, HasSubstr("a backbone with gba or lsa"));
}

TEST(ModelFile, AnotherFormatSaysWhatToDo) {
  EXPECT_EQ(message_with("dfa.format", "4"),
            "model format 4, this build reads 1\n"
            "  likely cause: the file was exported by a newer dfa\n"
            "  next step: update dfa, or export the checkpoint again with this version");
  EXPECT_THAT(message_with("dfa.format", "0"), HasSubstr("model format 0, this build reads 1"));
  EXPECT_THAT(message_with("dfa.format", "one"), HasSubstr("model format \"one\", expected a number"));
  const test::TempDir folder;
  TensorFile file = file_of(test::small_model());
  file.metadata["dfa.format"] = "4";
  ASSERT_TRUE(write_safetensors(file, folder / "celeb.dfa"));
  EXPECT_THAT(load_model(folder / "celeb.dfa").error().message,
              HasSubstr("celeb.dfa: model format 4, this build reads 1\n"));
}

TEST(ModelFile, BareWeightsAndCheckpointsAreSentToImport) {
  TensorFile file = file_of(test::small_model());
  file.metadata.clear();
  EXPECT_THAT(refusal(file).message, HasSubstr("without dfa.format"));
  EXPECT_THAT(refusal(file).message, HasSubstr("next step: dfa import official"));
  const auto checkpoint = read_file(test::source_path("tests/golden/tensorfile/plain.pt"), 1 << 20).value();
  EXPECT_THAT(parse_model(checkpoint, nullptr).error().message,
              HasSubstr("got a torch checkpoint, expected a model file"));
}

TEST(ModelFile, UnknownMetadataIsIncompatible) {
  EXPECT_THAT(message_with("dfa.calibratoin", "{}"),
              HasSubstr("metadata key dfa.calibratoin is not known to this build (nearest: dfa.calibration)"));
  EXPECT_THAT(message_with("dfa.base", "{}"), HasSubstr("dfa reads whole models"));
  EXPECT_THAT(message_with("dfa.kind", "adapter"),
              HasSubstr("dfa.kind is \"adapter\", this build reads \"detector\" and \"backbone\""));
  EXPECT_THAT(message_with("dfa.config", "{}"), HasSubstr("dfa.config: arch is missing"));
  EXPECT_THAT(message_with("dfa.crop", "{}"), HasSubstr("crop recipe"));
  EXPECT_THAT(message_with("dfa.training", "{"), HasSubstr("dfa.training: got 1 bytes that are no JSON object"));
  EXPECT_THAT(message_with("dfa.training", "[]"), HasSubstr("no JSON object"));
  const std::string deep = std::string(7000, '[') + std::string(7000, ']');
  EXPECT_THAT(message_with("dfa.training", "{\"a\":" + deep + "}"), HasSubstr("more than 64 levels"));
  EXPECT_THAT(message_with("dfa.calibration", "{\"a\":" + deep + "}"), HasSubstr("more than 64 levels"));
  EXPECT_THAT(message_with("dfa.crop", "{\"name\":" + deep + "}"), HasSubstr("crop recipe"));
  for (const char* key : {"dfa.kind", "dfa.config", "dfa.crop"}) {
    TensorFile file = file_of(test::small_model());
    file.metadata.erase(key);
    EXPECT_THAT(refusal(file).message, HasSubstr(std::string(key) + " is missing"));
  }
  TensorFile file = file_of(test::small_model());
  file.metadata["format"] = "pt";  // another program's
  EXPECT_EQ(refusal(file).message, "(was read)");
}

TEST(ModelFile, CalibrationIsStrict) {
  const std::string good =
      R"({"temperature":1.5,"thresholds":[{"name":"fpr5","threshold":0.5,"measured_fpr":0.05,"measured_tpr":0.7}],)"
      R"("set":"s","reals":1,"fakes":2,"date":"d"})";
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return message_with("dfa.calibration", text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(changed("1.5", "0"), HasSubstr("temperature is 0, expected a number from"));
  EXPECT_THAT(changed("1.5", "\"1.5\""), HasSubstr("temperature is \"1.5\""));
  EXPECT_THAT(changed("\"threshold\":0.5", "\"threshold\":1.5"),
              HasSubstr("threshold is 1.5, expected a number from 0 to 1"));
  EXPECT_THAT(changed("\"reals\":1", "\"reals\":-1"), HasSubstr("reals is -1"));
  EXPECT_THAT(changed("[{", "[7,{"), HasSubstr("a threshold that is no object"));
  EXPECT_THAT(changed("}],", "},{\"name\":\"fpr5\",\"threshold\":0.5,\"measured_fpr\":0,\"measured_tpr\":0}],"),
              HasSubstr("threshold fpr5 comes twice"));
  EXPECT_THAT(changed("\"date\":\"d\"", "\"date\":\"d\",\"who\":1"), HasSubstr("key who is not known"));
  EXPECT_THAT(changed(",\"date\":\"d\"", ""), HasSubstr("date is missing"));
}

Calibration full_calibration() {
  Calibration calibration;
  calibration.temperature = 1.0 / 3;
  calibration.thresholds = {{"fpr1", 0.9, 0.005, 0.5, ShareInterval{0, 0.02}, ShareInterval{0.4, 0.6}},
                            {"fpr5", 0.7, 0.03, 0.8, ShareInterval{0.01, 0.06}, ShareInterval{0.7, 0.9}}};
  calibration.set = "held out";
  calibration.reals = 400;
  calibration.fakes = 200;
  calibration.date = "2026-01-02";
  calibration.role = "calibration";
  calibration.manifest_sha256 = std::string(64, 'e');
  calibration.stamps = {"--force-crop"};
  calibration.real_crops = 1600;
  calibration.fake_crops = 800;
  calibration.left_out = {{"abstain", "why \"not\""}};
  calibration.evidence = Evidence{.map = EvidenceMap::isotonic,
                                  .points = {{0.1, 0}, {0.5, 0.25}, {0.9, 0.25}},
                                  .prior_log_odds = -0.7,
                                  .lowest = 1.0 / 201,
                                  .highest = 401,
                                  .cllr = 0.4,
                                  .cllr_min = 0.3};
  calibration.abstain = AbstainBand{0.2, 0.3, std::nullopt};
  calibration.figures = {{"frame", "nll", 0.7, 0.6}, {"video", "ece_width", 0.2, 0.1}};
  calibration.frame_reliability = {{0.1, 0.05, 1200}, {0.9, 0.8, 1200}};
  calibration.video_reliability = {{0.2, 0.1, 600}};
  return calibration;
}

TEST(ModelFile, AFullCalibrationComesBackToTheBit) {
  const test::TempDir folder;
  Model model = test::small_model();
  model.calibration = full_calibration();
  ASSERT_TRUE(save_model(model, folder / "a.dfa", Dtype::f32));
  const auto read = load_model(folder / "a.dfa");
  ASSERT_TRUE(read) << read.error().message;
  const Calibration& calibration = read->calibration.value();
  EXPECT_EQ(calibration.temperature, 1.0 / 3);
  EXPECT_EQ(calibration.thresholds[0].tpr_interval->high, 0.6);
  EXPECT_EQ(calibration.evidence->points[1].posterior, 0.25);
  EXPECT_EQ(calibration.evidence->lowest, 1.0 / 201);
  EXPECT_FALSE(calibration.abstain->high);
  EXPECT_EQ(calibration.left_out[0].reason, "why \"not\"");
  EXPECT_EQ(calibration.frame_reliability[1].count, 1200);
  EXPECT_EQ(calibration.figures[1].metric, "ece_width");
  // Everything else too: what is written again is the same.
  ASSERT_TRUE(save_model(*read, folder / "b.dfa", Dtype::f32));
  EXPECT_EQ(sha256_file(folder / "a.dfa").value(), sha256_file(folder / "b.dfa").value());
}

TEST(ModelFile, AFullCalibrationIsStrict) {
  Model model = test::small_model();
  model.calibration = full_calibration();
  const std::string good = file_of(model).metadata.at("dfa.calibration");
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    EXPECT_NE(text.find(from), std::string::npos) << from;
    return message_with("dfa.calibration", text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(changed("\"version\":2", "\"version\":3"),
              HasSubstr("version is 3, expected a whole number from 2 to 2"));
  EXPECT_THAT(changed("\"threshold\":0.9", "\"threshold\":0.6"), HasSubstr("fpr1 0.6 lies below fpr5 0.7"));
  EXPECT_THAT(changed("\"threshold\":0.9", "\"threshold\":NaN"), HasSubstr("no JSON object"));
  EXPECT_THAT(changed("\"threshold\":0.9", "\"threshold\":null"), HasSubstr("threshold is null"));
  EXPECT_THAT(changed("[0.01,0.06]", "[0.04,0.06]"), HasSubstr("without the measured share 0.03"));
  EXPECT_THAT(changed("[0.01,0.06]", "[0.01]"), HasSubstr("expected 2 numbers"));
  EXPECT_THAT(changed("\"fpr_interval\":[0.01,0.06],", ""), HasSubstr("fpr_interval is missing"));
  EXPECT_THAT(changed("[0.9,0.25]", "[0.9,0.2]"), HasSubstr("does not rise"));
  EXPECT_THAT(changed("[0.9,0.25]", "[0.5,0.25]"), HasSubstr("does not rise"));
  EXPECT_THAT(changed("isotonic", "spline"), HasSubstr("map is \"spline\", expected logistic or isotonic"));
  EXPECT_THAT(changed("\"highest\":401.0", "\"highest\":0.5"), HasSubstr("highest is 0.5"));
  EXPECT_THAT(changed("\"error\":0.2", "\"error\":0.7"), HasSubstr("error is 0.7"));
  EXPECT_THAT(changed("\"high\":null", "\"high\":0.1"), HasSubstr("high is 0.1"));
  EXPECT_THAT(changed("\"level\":\"frame\"", "\"level\":\"crop\""), HasSubstr("expected frame or video"));
  EXPECT_THAT(changed("[0.2,0.1,600]", "[0.2,0.1,-1]"), HasSubstr("video_reliability holds"));
  EXPECT_THAT(changed("\"role\":\"calibration\"", "\"role\":\"\""), HasSubstr("expected the role"));
  EXPECT_THAT(changed("\"stamps\":[\"--force-crop\"],", ""), HasSubstr("stamps is missing"));
  EXPECT_THAT(changed("\"stamps\":[", "\"signed\":1,\"stamps\":["), HasSubstr("key signed is not known"));
}

TEST(ModelFile, TensorsMustBeExactlyThoseOfTheNetwork) {
  TensorFile file = file_of(test::small_model());
  file.tensors.erase("norm.bias");
  file.tensors["norm.bais"] = Tensor::from_f32({12}, std::vector<float>(12));
  file.tensors["norm.weight"] = Tensor::from_f32({3, 4}, std::vector<float>(12));
  file.tensors["head.0.num_batches_tracked"] = Tensor::from_f32({}, std::vector<float>(1));
  const Refusal refused = refusal(file);
  EXPECT_EQ(refused.code, ErrorCode::model_tensors);
  EXPECT_THAT(refused.message, HasSubstr("1 missing, 1 unexpected, 2 of the wrong shape or type"));
  EXPECT_THAT(refused.message, HasSubstr("missing (1):\n    norm.bias"));
  EXPECT_THAT(refused.message, HasSubstr("norm.bais (F32 12)"));
  EXPECT_THAT(refused.message, HasSubstr("norm.weight is F32 3x4, expected F32, F16 or BF16 12"));
  EXPECT_THAT(refused.message, HasSubstr("head.0.num_batches_tracked is F32 scalar, expected I64 scalar"));
  file = file_of(test::small_model());
}

// Scales of two of its tensors.
Model quantised_model() {
  Model model = full_model();
  ModelQuantisation quantised;
  quantised.codes["blocks.0.norm1"] = {std::vector<float>(12, 3.5F), 120};
  quantised.codes["blocks.2.hidden"] = {std::vector<float>(20, 0.25F), 0};
  quantised.figures["blocks.0.norm1"] = {0.5, 0.9, 1e-4};
  quantised.figures["blocks.2.hidden"] = {{}, 1, 2e-4};
  quantised.wide = {{"blocks.1.hidden", 0.25, "for the budget"}};
  quantised.manifest_sha256 = "00ff";
  quantised.role = "train";
  quantised.crops = 16;
  quantised.seed = 7;
  quantised.budget = 0.002;
  quantised.difference = 0.001;
  quantised.made_by = "dfa 0";
  quantised.isa = "avx2";
  model.quantised = quantised;
  return model;
}

TEST(ModelFile, KeepsInt8ScalesBesideTheWideWeights) {
  const test::TempDir folder;
  const Model model = quantised_model();
  ASSERT_TRUE(save_model(model, folder / "m", Dtype::f32));
  const auto read = load_model(folder / "m");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(read->quantised);
  EXPECT_EQ(read->quantised->codes.at("blocks.0.norm1").multipliers, std::vector<float>(12, 3.5F));
  EXPECT_EQ(read->quantised->codes.at("blocks.0.norm1").zero_point, 120);
  EXPECT_EQ(read->quantised->codes.at("blocks.2.hidden").zero_point, 0);
  EXPECT_EQ(model_tensor_file(*read, Dtype::f32)->metadata.at("dfa.quant"),
            model_tensor_file(model, Dtype::f32)->metadata.at("dfa.quant"));
  ASSERT_TRUE(save_model(*read, folder / "n", Dtype::f32));
  EXPECT_EQ(sha256_file(folder / "m").value(), sha256_file(folder / "n").value());
  EXPECT_EQ(read->weights.size(), model.weights.size());
  EXPECT_TRUE(model_network(*read, {.precision = Precision::int8, .threads = 1}));
  EXPECT_FALSE(model_network(full_model(), {.precision = Precision::int8, .threads = 1}));
  EXPECT_THAT(model_text(*read), HasSubstr("2 of 3 tensors on 8 bits"));
  EXPECT_THAT(model_text(*read), HasSubstr("wide: blocks.1.hidden"));
  const ModelDiff diff = diff_models(full_model(), *read);
  EXPECT_EQ(diff.only_in_b.size(), 2U);
  ASSERT_EQ(diff.metadata.size(), 1U);
  EXPECT_EQ(diff.metadata[0].key, "dfa.quant");
}

TEST(ModelFile, DamagedInt8ScalesAreRefused) {
  const auto message = [](const std::function<void(TensorFile&)>& damage) {
    TensorFile file = file_of(quantised_model());
    damage(file);
    return refusal(file).message;
  };
  const auto with_text = [&](const std::string& from, const std::string& to) {
    return message([&](TensorFile& file) {
      std::string& text = file.metadata.at("dfa.quant");
      const std::size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    });
  };
  const std::string first = "quant.blocks.0.norm1.multipliers";
  EXPECT_THAT(message([&](TensorFile& f) { f.tensors.erase(first); }), HasSubstr("there is no tensor " + first));
  EXPECT_THAT(message([&](TensorFile& f) { f.tensors["quant.x"] = f.tensors.at(first); }),
              HasSubstr("tensor quant.x belongs to no site"));
  EXPECT_THAT(message([&](TensorFile& f) { f.metadata.erase("dfa.quant"); }), HasSubstr("belongs to no site"));
  EXPECT_THAT(message([&](TensorFile& f) { f.tensors[first] = convert_floats(f.tensors.at(first), Dtype::f16); }),
              HasSubstr("is F16 12, expected F32"));
  for (const float bad : {0.0F, -1.0F, std::numeric_limits<float>::infinity(), std::nanf("")})
    EXPECT_THAT(message([&](TensorFile& f) {
                  std::vector<float> values(12, 1.0F);
                  values[3] = bad;
                  f.tensors[first] = Tensor::from_f32({12}, values);
                }),
                HasSubstr("not a positive, finite number"));
  EXPECT_THAT(message([&](TensorFile& f) { f.tensors[first] = Tensor::from_f32({11}, std::vector<float>(11, 1.0F)); }),
              HasSubstr("expected one for each of 12"));
  EXPECT_THAT(with_text("blocks.0.norm1", "blocks.9.norm1"), HasSubstr("blocks.9.norm1"));
  EXPECT_THAT(with_text("\"zero_point\":120", "\"zero_point\":256"), HasSubstr("zero_point is 256"));
  EXPECT_THAT(with_text("\"version\":1", "\"version\":2"), HasSubstr("version 2"));
  EXPECT_THAT(with_text("u8-channel/s8-row", "u4"), HasSubstr("scheme \"u4\""));
  EXPECT_THAT(with_text("\"seed\"", "\"sead\""), HasSubstr("seed"));
  EXPECT_THAT(with_text("blocks.2.hidden", "blocks.0.norm1"), HasSubstr("comes twice"));
  EXPECT_THAT(message([](TensorFile& f) { f.metadata["dfa.quant"] = "{}"; }), HasSubstr("version is missing"));
}

TEST(ModelFile, LongListsAreCut) {
  TensorFile file = file_of(test::small_model());
  for (int i = 0; i < 30; ++i) file.tensors["x" + std::to_string(i)] = Tensor::from_f32({1}, std::vector<float>(1));
  EXPECT_THAT(refusal(file).message, HasSubstr("... and 10 more"));
}

TEST(ModelFile, WeightsMustBeNumbers) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      TensorFile file = file_of(test::small_model());
      std::vector<float> values(12, 1.0f);
      values[11] = bad;
      file.tensors["norm.bias"] = convert_floats(Tensor::from_f32({12}, values), dtype);
      EXPECT_EQ(refusal(file).code, ErrorCode::model_tensors);
      EXPECT_THAT(refusal(file).message, HasSubstr("NaN or infinity (1):\n    norm.bias"));
    }
}

TEST(ModelFile, GoldenVectorsMustFit) {
  const auto with = [](auto change) {
    TensorFile file = file_of(full_model());
    change(file.tensors);
    const Refusal refused = refusal(file);
    EXPECT_EQ(refused.code, ErrorCode::model_tensors) << refused.message;
    return refused.message;
  };
  EXPECT_THAT(with([](TensorMap& t) { t.erase("golden.crops"); }), HasSubstr("belong together"));
  EXPECT_THAT(with([](TensorMap& t) { t.erase("golden.logits"); }), HasSubstr("belong together"));
  EXPECT_THAT(with([](TensorMap& t) {
                t["golden.logits"] = Tensor::from_f32({2, 2}, std::vector<float>(4));
              }),
              HasSubstr("logits F32 2x2; expected"));
  EXPECT_THAT(with([](TensorMap& t) {
                t["golden.logits"] = Tensor::from_f32({3, 2}, std::vector<float>(6, NAN));
              }),
              HasSubstr("not finite"));
  EXPECT_THAT(with([](TensorMap& t) {
                t["golden.crops"] = Tensor::from_u8({3, 39, 40, 3}, std::vector<std::uint8_t>(3 * 39 * 40 * 3));
              }),
              HasSubstr("crops are U8 3x39x40x3"));
  EXPECT_THAT(with([](TensorMap& t) { t["golden.crops"] = Tensor::from_u8({}, std::vector<std::uint8_t>(1)); }),
              HasSubstr("crops are U8 scalar"));
  EXPECT_THAT(with([](TensorMap& t) { t["golden.extra"] = Tensor::from_f32({1}, std::vector<float>(1)); }),
              HasSubstr("golden.extra"));
}

TEST(ModelFile, DamagedFilesAreErrors) {
  const auto whole = serialize_safetensors(file_of(test::small_model())).value();
  for (std::size_t length = 0; length < whole.size(); length += length < 6000 ? 1 : 97)
    EXPECT_FALSE(parse_model(std::span(whole).first(length), nullptr)) << length;
  for (std::size_t i = 0; i < 6000; ++i) {
    auto damaged = whole;
    damaged[i] = ~damaged[i];
    (void)parse_model(damaged, nullptr);
  }
}

TEST(ModelFile, FilesThatAreNoneAreErrors) {
  const test::TempDir folder;
  EXPECT_EQ(load_model(folder / "none").error().code, ErrorCode::file_not_found);
  EXPECT_EQ(load_model(folder.path()).error().code, ErrorCode::file_unreadable);
  test::write_bytes(folder / "empty", "");
  EXPECT_FALSE(load_model(folder / "empty"));
  test::write_bytes(folder / "text", "this is no model, but long enough to be a header length");
  EXPECT_EQ(load_model(folder / "text").error().code, ErrorCode::model_format);
}

TEST(Golden, CropsAreTheSameEverywhere) {
  // Of the generator that every imported file rests on.
  const auto crops = synthetic_crops(2, 40);
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(crops))),
            "e62d687f8d9e39bfaffde19f027c3659b36b9e4667644f14ad510a1482c8b48b");
}

TEST(Golden, IsComputedFromTheWeightsAsStored) {
  const Model model = test::small_model();
  const auto crops = synthetic_crops(2, 40);
  const auto wide = make_golden(model, crops, 2, Dtype::f32).value();
  const auto half = make_golden(model, crops, 2, Dtype::f16).value();
  EXPECT_NE(wide.logits, half.logits);
  Model rounded = model;
  rounded.weights = stored_weights(model, Dtype::f16).value();
  EXPECT_EQ(make_golden(rounded, crops, 2, Dtype::f32).value().logits, half.logits);
  EXPECT_EQ(make_golden(model, crops, 3, Dtype::f32).error().code, ErrorCode::usage);
}

TEST(EmbeddedModel, IsThereOrSaysThatItIsNot) {
  const auto model = embedded_model();
  if (model) {
    EXPECT_EQ(model->sha256, sha256_file(test::source_path("models/default.dfa")).value());
    EXPECT_TRUE(model->golden) << "the embedded model must carry its own proof";
  } else {
    EXPECT_EQ(model.error().code, ErrorCode::model_incompatible);
    EXPECT_THAT(model.error().message, HasSubstr("this build carries no model"));
    EXPECT_FALSE(std::filesystem::exists(test::source_path("models/default.dfa")));
  }
}

}  // namespace
}  // namespace dfa
