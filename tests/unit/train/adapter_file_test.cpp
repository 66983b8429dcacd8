// Ways of tuning through the commands: run, resume, export, adapter-only files, merge.
#include "train/export/adapter_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.hpp"
#include "cli_train/run.hpp"
#include "exchange/trunk_config.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "train/config/run_config.hpp"
#include "train/export/export_model.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::HasSubstr;

struct Outcome {
  int status = 0;
  std::string text;
};

class AdapterFileTest : public testing::Test {
 protected:
  AdapterFileTest() {
    const std::string manifest = write_made_crops(dir_.path(), made_).string();
    config_.crop = made_recipe(made_);
    config_.data.manifest = manifest;
    config_.optimizer.rule = Rule::adamw;
    config_.schedule = {.peak = 2e-3, .floor = 0, .epochs = 1, .warmup_epochs = 0};
    config_.rate = 2e-3;
    config_.rate_unit = RateUnit::absolute;
    config_.batch = 6;
    config_.threads = 1;
    config_.pretrained = (dir_ / "vit.safetensors").string();
    config_.out = (dir_ / "run").string();
    use("gba+lsa");
    write_trunk("vit.safetensors");
  }

  void use(const std::string& word) {
    config_.tuning = *parse_tuning(word);
    const NetworkConfig shape = default_network(config_.tuning);
    config_.network = small_config();
    config_.network.gba = shape.gba;
    config_.network.lsa = shape.lsa;
    config_.network.readout = shape.readout;
    config_.network.depth = 2;
    config_.network.stages = {{0, 0}, {1, 1}};
    if (!shape.lsa) {  // what is not written comes back as the default
      config_.network.lsa_heads = NetworkConfig{}.lsa_heads;
      config_.network.spm_width = NetworkConfig{}.spm_width;
      config_.network.stages = NetworkConfig{}.stages;
    }
    if (!shape.gba) config_.network.bottleneck = NetworkConfig{}.bottleneck;
  }

  void write_trunk(const std::string& name, float more = 0) {
    TensorFile file;
    for (const ParameterSpec& spec : network_parameters(config_.network))
      if (spec.group == ParameterGroup::trunk) file.tensors[spec.name] = hash_weights(config_.network).at(spec.name);
    std::vector<float> bias = *file.tensors.at("norm.bias").to_f32();
    bias[0] += more;
    file.tensors["norm.bias"] = Tensor::from_f32({config_.network.dim}, bias);
    ASSERT_TRUE(write_safetensors(file, dir_ / name));
  }

  Outcome call(std::vector<std::string> argv) {
    std::ostringstream out, err;
    const int status = cli_train::run(argv, {out, err}, cancel_);
    return {status, out.str() + err.str()};
  }

  Outcome run() {
    EXPECT_TRUE(write_file_atomically(dir_ / "config.json", run_config_json(config_)));
    return call({"run", path("config.json")});
  }

  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::vector<std::byte> bytes(const std::string& name) const {
    const auto file = MappedFile::open(dir_ / name, 1 << 28);
    EXPECT_TRUE(file);
    return {(*file)->bytes().begin(), (*file)->bytes().end()};
  }

  const TempDir dir_;
  const MadeCrops made_{};
  RunConfig config_;
  CancelFlag cancel_;
};

class AdapterFileWord : public AdapterFileTest, public testing::WithParamInterface<const char*> {};

TEST_P(AdapterFileWord, MergesToTheBytesOfTheFullExport) {
  use(GetParam());
  const Outcome ran = run();
  ASSERT_EQ(ran.status, 0) << ran.text;
  EXPECT_THAT(ran.text, HasSubstr(std::string("tuning ") + GetParam() + ": parameters: "));
  for (const std::string dtype : {"f16", "f32"}) {
    const Outcome exported = call({"export", path("run"), "--out", path("whole.dfa"), "--adapter-only",
                                   path("adapter.dfa"), "--dtype", dtype, "--name", "n"});
    ASSERT_EQ(exported.status, 0) << exported.text;
    EXPECT_THAT(exported.text, HasSubstr("\"kind\":\"adapter\""));
    const Outcome merged = call({"merge", path("adapter.dfa"), "--base", path("vit.safetensors"), "--out",
                                 path("merged.dfa"), "--dtype", dtype});
    ASSERT_EQ(merged.status, 0) << merged.text;
    EXPECT_EQ(bytes("merged.dfa"), bytes("whole.dfa")) << dtype;
  }
  const auto adapter = read_adapter(dir_ / "adapter.dfa");
  ASSERT_TRUE(adapter) << adapter.error().message;
  EXPECT_EQ(tuning_word(adapter->tuning), GetParam());
  EXPECT_EQ(adapter->record.base_name, "vit.safetensors");
  for (const ParameterSpec& spec : network_parameters(adapter->record.model.config))
    if (spec.group == ParameterGroup::trunk) {
      EXPECT_EQ(adapter->record.model.weights.contains(spec.name), learns(adapter->tuning, spec)) << spec.name;
    }
}
INSTANTIATE_TEST_SUITE_P(Words, AdapterFileWord,
                         testing::Values("gba+lsa", "linear", "layernorm", "bias+lora:2", "gba+svd:1"));

// One line trains on any trunk whose file says what it is; what it is goes into every file that is written.
TEST_F(AdapterFileTest, TheKindOfTrunkTravels) {
  Model trunk;
  trunk.kind = "backbone";
  trunk.config = small_config();
  trunk.config.depth = 2;
  trunk.config.gba = trunk.config.lsa = false;
  trunk.config.readout = Readout::cls;
  trunk.config.activation = Activation::quick_gelu;
  trunk.config.pre_norm = trunk.config.layer_scale = true;
  trunk.config.patch_bias = false;
  trunk.config.registers = 2;
  trunk.config.positions = Positions::rotary;
  trunk.weights = hash_weights(trunk.config);
  std::erase_if(trunk.weights, [](const auto& item) { return item.first.starts_with("head."); });
  ASSERT_TRUE(save_model(trunk, dir_ / "trunk.dfa", Dtype::f32));
  config_.pretrained = path("trunk.dfa");
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(run_config_json(config_));
  json["network"] = {{"lsa", {{"spm_width", 16}}}};
  ASSERT_TRUE(write_file_atomically(dir_ / "config.json", json.dump()));
  const Outcome ran = call({"run", path("config.json")});
  ASSERT_EQ(ran.status, 0) << ran.text;
  ASSERT_EQ(call({"export", path("run"), "--out", path("whole.dfa"), "--adapter-only", path("adapter.dfa")}).status, 0);
  ASSERT_EQ(call({"merge", path("adapter.dfa"), "--base", path("trunk.dfa"), "--out", path("merged.dfa")}).status, 0);
  EXPECT_EQ(bytes("merged.dfa"), bytes("whole.dfa"));
  const auto model = load_model(dir_ / "whole.dfa");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(trunk_differences(model->config, trunk.config), "");
  EXPECT_TRUE(model->config.gba && model->config.lsa);
  const Outcome other = call({"run", path("config.json"), "--set", "out=" + path("other"), "--set", "activation=gelu"});
  EXPECT_EQ(other.status, 5);
  EXPECT_THAT(other.text, HasSubstr("network.activation is \"gelu\", the file's trunk has \"quick-gelu\""));
}

TEST_F(AdapterFileTest, AWrongBaseIsNamedWithBothHashes) {
  ASSERT_EQ(run().status, 0);
  ASSERT_EQ(call({"export", path("run"), "--adapter-only", path("a.dfa")}).status, 0);
  write_trunk("other.safetensors", 1.0F);
  const Outcome merged = call({"merge", path("a.dfa"), "--base", path("other.safetensors"), "--out", path("m.dfa")});
  EXPECT_EQ(merged.status, 5);
  EXPECT_THAT(merged.text, HasSubstr("got SHA-256 "));
  EXPECT_THAT(merged.text, HasSubstr(read_adapter(dir_ / "a.dfa")->record.base_sha256));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "m.dfa"));
}

TEST_F(AdapterFileTest, ReadingListsEveryTensorThatDoesNotFit) {
  ASSERT_EQ(run().status, 0);
  ASSERT_EQ(call({"export", path("run"), "--adapter-only", path("a.dfa")}).status, 0);
  auto file = read_safetensors(dir_ / "a.dfa");
  ASSERT_TRUE(file);
  TensorFile changed = *file;
  changed.tensors.erase("level_embed");
  changed.tensors["norm.bias"] = Tensor::from_f32({48}, std::vector<float>(48));
  changed.tensors["head.1.bias"] = Tensor::from_f32({3}, std::vector<float>(3));
  ASSERT_TRUE(write_safetensors(changed, dir_ / "b.dfa"));
  const auto adapter = read_adapter(dir_ / "b.dfa");
  ASSERT_FALSE(adapter);
  EXPECT_EQ(adapter.error().code, ErrorCode::model_tensors);
  for (const char* part : {"missing (1):\n    level_embed", "unexpected (1):\n    norm.bias", "head.1.bias is F32 3"})
    EXPECT_THAT(adapter.error().message, HasSubstr(part));

  for (const auto& [key, value] : {std::pair<const char*, const char*>{"dfa.base", "{}"},
                                   {"dfa.base", R"({"name":"a","sha256":"b","tuning":"lora"})"},
                                   {"dfa.kind", "detector"},
                                   {"dfa.other", "x"},
                                   {"dfa.config", "{}"}}) {
    TensorFile wrong = *file;
    wrong.metadata[key] = value;
    ASSERT_TRUE(write_safetensors(wrong, dir_ / "c.dfa"));
    const auto refused = read_adapter(dir_ / "c.dfa");
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, ErrorCode::model_incompatible) << key;
    EXPECT_THAT(refused.error().message, HasSubstr("c.dfa")) << key;
  }
  EXPECT_THAT(load_model(dir_ / "a.dfa").error().message, HasSubstr("dfa-train merge"));
}

TEST_F(AdapterFileTest, ExportSaysWhatItNeeds) {
  ASSERT_EQ(run().status, 0);
  EXPECT_EQ(call({"export", path("run")}).status, 2);
  const Outcome dtype = call({"export", path("run"), "--adapter-only", path("a.dfa"), "--dtype", "f16"});
  EXPECT_EQ(dtype.status, 2);
  EXPECT_THAT(dtype.text, HasSubstr("always f32"));
  EXPECT_EQ(call({"merge", path("config.json"), "--base", path("vit.safetensors"), "--out", path("m.dfa")}).status, 5);
}

TEST_F(AdapterFileTest, FullTuningHasNoAdapterFile) {
  use("full");
  ASSERT_EQ(run().status, 0);
  const Outcome exported = call({"export", path("run"), "--adapter-only", path("a.dfa")});
  EXPECT_EQ(exported.status, 2);
  EXPECT_THAT(exported.text, HasSubstr("would be the whole model"));
}

// Factors are in checkpoints: a run that was cut goes on to the same bits.
TEST_F(AdapterFileTest, LowRankRunsResumeExactly) {
  class Stopper : public RunObserver {
   public:
    Stopper(CancelFlag& flag, int after) : flag_(flag), left_(after) {}
    void note(LogLevel, const std::string&) override {}
    void on_step(const StepReport&) override {
      if (--left_ == 0) flag_.request(SIGTERM);
    }
    void on_epoch(const std::string&) override {}

   private:
    CancelFlag& flag_;
    int left_;
  };
  for (const std::string word : {"lora:2+layernorm", "svd:1"}) {
    use(word);
    config_.ema = 0.9;
    config_.out = path("whole-" + word);
    Stopper none(cancel_, -1);
    ASSERT_TRUE(start_run(config_, none, cancel_));
    config_.out = path("cut-" + word);
    CancelFlag stop;
    Stopper stopper(stop, 2);
    ASSERT_FALSE(start_run(config_, stopper, stop));
    ASSERT_TRUE(resume_run(config_.out, none, cancel_));
    const auto whole = read_checkpoint(dir_ / ("whole-" + word) / "last.safetensors"),
               cut = read_checkpoint(dir_ / ("cut-" + word) / "last.safetensors");
    ASSERT_TRUE(whole && cut);
    EXPECT_EQ(whole->trunk_sha256, cut->trunk_sha256);
    ASSERT_EQ(whole->network.size(), training_parameters(config_.network, config_.tuning).size());
    for (const auto& [name, tensor] : whole->network)
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, cut->network.at(name).bytes)) << name;
    for (const auto& [name, tensor] : whole->optimizer)
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, cut->optimizer.at(name).bytes)) << name;
  }
}

}  // namespace
}  // namespace dfa::test
