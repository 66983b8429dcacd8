// dfa export at the level of files: a detector without its trunk and with it again, and what an ONNX file says of
// itself.
#include "exchange/export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "exchange/adapter_file.hpp"
#include "exchange/export_adapter.hpp"
#include "exchange/export_onnx.hpp"
#include "exchange/proven_model.hpp"
#include "exchange/trunk.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "unit/exchange/protobuf_fields.hpp"
#include "unit/model/small_model.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

class Export : public testing::Test {
 protected:
  // A detector in the given type, and the f32 file of the trunk it was trained on.
  void write_files(const NetworkConfig& config, Dtype dtype) {
    Model model = test::small_model();
    model.config = config;
    model.weights = hash_weights(config);
    ASSERT_TRUE(save_with_golden(model, path("detector.dfa"), dtype, kGoldenCrops, 1));
    write_trunk("trunk.dfa", model, 0);
  }

  void write_trunk(const std::string& name, Model model, float more) {
    model.kind = "backbone";
    model.config.gba = model.config.lsa = false;
    model.config.readout = Readout::cls;
    std::erase_if(model.weights, [&](const auto& entry) {
      return std::ranges::none_of(network_parameters(model.config), [&](const ParameterSpec& spec) {
        return spec.name == entry.first && spec.group == ParameterGroup::trunk;
      });
    });
    std::vector<float> bias = *model.weights.at("norm.bias").to_f32();
    bias[0] += more;
    model.weights["norm.bias"] = Tensor::from_f32({model.config.dim}, bias);
    ASSERT_TRUE(save_model(model, path(name), Dtype::f32));
  }

  Result<Exported> adapter(const std::string& base = "trunk.dfa") {
    return export_adapter_file(settings("detector.dfa", "adapter.dfa", base));
  }
  Result<Exported> merged(const std::string& base = "trunk.dfa", std::optional<Dtype> dtype = {}) {
    ExportSettings merge = settings("adapter.dfa", "merged.dfa", base);
    merge.weights_dtype = dtype;
    return export_merged(merge);
  }

  ExportSettings settings(const std::string& model, const std::string& out, const std::string& base = "") const {
    ExportSettings chosen;
    chosen.model = path(model);
    chosen.out = path(out);
    if (!base.empty()) chosen.base = path(base);
    chosen.threads = 1;
    return chosen;
  }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::string bytes(const std::string& name) const { return *read_text_file(path(name), 1 << 28); }

  test::TempDir folder_;
};

TEST_F(Export, AdapterAndTrunkAreTheDetectorAgain) {
  NetworkConfig linear = test::small_config();
  linear.gba = linear.lsa = false;
  linear.readout = Readout::cls;
  for (const NetworkConfig& config : {test::small_config(), linear})
    for (const Dtype dtype : {Dtype::f16, Dtype::f32}) {
      write_files(config, dtype);
      const auto exported = adapter();
      ASSERT_TRUE(exported) << exported.error().message;
      EXPECT_EQ(exported->tensors, parameters_beside_trunk(config).size());
      const auto joined = merged("trunk.dfa", dtype == Dtype::f16 ? std::nullopt : std::optional(dtype));
      ASSERT_TRUE(joined) << joined.error().message;
      EXPECT_TRUE(bytes("merged.dfa") == bytes("detector.dfa")) << dtype_name(dtype);
    }
}

TEST_F(Export, AnAdapterFileNamesItsTrunk) {
  write_files(test::small_config(), Dtype::f16);
  ASSERT_TRUE(adapter());
  const auto record = read_adapter_record(path("adapter.dfa"));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->tuning, "gba+lsa");
  EXPECT_EQ(record->base_name, "trunk.dfa");
  const Model trunk = *load_model(path("trunk.dfa"));
  EXPECT_EQ(record->base_sha256, trunk_sha256(trunk.config, trunk.weights));
  EXPECT_EQ(record->model.weights.at("level_embed").dtype, Dtype::f32);

  ASSERT_TRUE(adapter(""));  // the trunk inside: rounded to f16, so that of the file no longer fits
  const Model detector = *load_model(path("detector.dfa"));
  EXPECT_EQ(read_adapter_record(path("adapter.dfa"))->base_sha256, trunk_sha256(detector.config, detector.weights));
  EXPECT_EQ(merged().error().code, ErrorCode::model_incompatible);
}

TEST_F(Export, AnotherTrunkIsRefusedBothWays) {
  write_files(test::small_config(), Dtype::f16);
  write_trunk("other.dfa", *load_model(path("trunk.dfa")), 1.0F);
  const auto refused = adapter("other.dfa");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::model_incompatible);
  EXPECT_THAT(refused.error().message, HasSubstr("1 of its tensors are not those of the model's trunk (norm.bias)"));
  EXPECT_FALSE(std::filesystem::exists(path("adapter.dfa")));
  ASSERT_TRUE(adapter());
  EXPECT_THAT(merged("other.dfa").error().message, HasSubstr("got SHA-256 "));
  EXPECT_FALSE(std::filesystem::exists(path("merged.dfa")));
}

TEST_F(Export, MergingReadsStrictly) {
  write_files(test::small_config(), Dtype::f32);
  ASSERT_TRUE(adapter());
  const TensorFile good = *read_safetensors(path("adapter.dfa"));
  TensorFile changed = good;
  changed.tensors.erase("level_embed");
  changed.tensors["norm.bias"] = Tensor::from_f32({12}, std::vector<float>(12));
  ASSERT_TRUE(write_safetensors(changed, path("adapter.dfa")));
  const auto listed = merged();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::model_tensors);
  EXPECT_THAT(listed.error().message, HasSubstr("missing (1):\n    level_embed"));
  EXPECT_THAT(listed.error().message, HasSubstr("unexpected (1):\n    norm.bias"));

  changed = good;
  auto base = nlohmann::json::parse(changed.metadata["dfa.base"]);
  base["tuning"] = "gba+lsa+layernorm";
  changed.metadata["dfa.base"] = base.dump();
  ASSERT_TRUE(write_safetensors(changed, path("adapter.dfa")));
  EXPECT_THAT(merged().error().message, HasSubstr("dfa-train merge"));
}

TEST_F(Export, WhatAFormDoesNotTakeIsUsage) {
  write_files(test::small_config(), Dtype::f32);
  EXPECT_EQ(export_onnx(settings("detector.dfa", "m.onnx", "trunk.dfa")).error().code, ErrorCode::usage);
  ExportSettings typed = settings("detector.dfa", "m.onnx");
  typed.weights_dtype = Dtype::f16;
  EXPECT_EQ(export_onnx(typed).error().code, ErrorCode::usage);
  EXPECT_EQ(export_adapter_file(typed).error().code, ErrorCode::usage);
  EXPECT_EQ(export_merged(settings("adapter.dfa", "m.dfa")).error().code, ErrorCode::usage);
  EXPECT_EQ(export_onnx(settings("none.dfa", "m.onnx")).error().code, ErrorCode::model_missing);
  EXPECT_EQ(export_merged(settings("none.dfa", "m.dfa", "trunk.dfa")).error().code, ErrorCode::model_missing);
  EXPECT_EQ(export_adapter_file(settings("trunk.dfa", "a.dfa")).error().code, ErrorCode::model_incompatible);
}

TEST_F(Export, AnOnnxFileSaysHowToMakeItsInput) {
  write_files(test::small_config(), Dtype::f16);
  const auto exported = export_onnx(settings("detector.dfa", "m.onnx"));
  ASSERT_TRUE(exported) << exported.error().message;
  const Model model = *load_model(path("detector.dfa"));
  const std::string file = bytes("m.onnx");
  std::map<std::string, std::string> metadata;
  for (const test::Message& entry : test::Message(file).messages(14)) metadata[entry.text(1)] = entry.text(2);
  EXPECT_EQ(metadata.at("dfa.name"), "small");
  EXPECT_EQ(metadata.at("dfa.sha256"), model.sha256);
  EXPECT_EQ(parse_network_config(metadata.at("dfa.config")).value(), model.config);
  EXPECT_EQ(parse_crop_recipe(metadata.at("dfa.crop")).value(), model.crop);
  EXPECT_EQ(metadata.at("dfa.classes"), R"(["real","fake"])");
  EXPECT_EQ(metadata.at("dfa.license"), "Apache-2.0");
  EXPECT_EQ(metadata.at("dfa.opset"), "17");
  EXPECT_EQ(exported->files.at(0).bytes, file.size());
  EXPECT_THAT(export_text(*exported), HasSubstr("num_batches_tracked: no output needs it"));
  EXPECT_EQ(nlohmann::json::parse(export_json(*exported, "onnx")).at("form"), "onnx");
}

}  // namespace
}  // namespace dfa
