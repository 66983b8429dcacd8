#include "train/loop/train_run.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli_train/run.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "preprocess/crop.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tensorfile/safetensors.hpp"
#include "train/export/export_model.hpp"
#include "train/loop/checkpoint.hpp"
#include "unit/train/run_fixture.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

TEST_F(RunTest, WritesItsFolderAndLearns) {
  config_.schedule.epochs = 8;
  Listener listener(cancel_);
  const auto summary = train(listener);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(listener.losses.size(), 8U * 4U);
  ASSERT_EQ(listener.epochs.size(), 8U);
  EXPECT_EQ(listener.epochs[0]["steps"], 4);
  EXPECT_TRUE(listener.epochs[0]["val_auc_by_method"].contains("corner"));
  EXPECT_GT(summary->best_auc, 0.9);
  for (const char* file : {"config.json", "metrics.jsonl", "last.safetensors", "best.safetensors"})
    EXPECT_TRUE(std::filesystem::exists(dir_ / "run" / file)) << file;
  const auto config = read_run_config(dir_ / "run/config.json", {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(run_config_json(*config), run_config_json(config_));
  EXPECT_NE(listener.notes.find("12 real, 12 fake"), std::string::npos);
}

TEST_F(RunTest, EqualRunsGiveEqualWeights) {
  Listener first(cancel_), second(cancel_);
  ASSERT_TRUE(train(first));
  config_.out = (dir_ / "again").string();
  config_.data.workers = 3;
  ASSERT_TRUE(train(second));
  EXPECT_EQ(first.losses, second.losses);
  EXPECT_TRUE(equal(read_checkpoint(dir_ / "run/last.safetensors")->network,
                    read_checkpoint(dir_ / "again/last.safetensors")->network));
}

// Stop in the middle of an epoch, go on, and end in the same bits as without the stop.
TEST_F(RunTest, ResumeIsExact) {
  for (const double ema : {0.0, 0.9}) {
    config_.ema = ema;
    config_.out = (dir_ / fmt::format("whole{}", ema)).string();
    Listener whole(cancel_);
    ASSERT_TRUE(train(whole));
    config_.out = (dir_ / fmt::format("cut{}", ema)).string();
    CancelFlag stop;
    Listener before(stop, 6);
    const auto cut = start_run(config_, before, stop);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, ErrorCode::cancelled);
    EXPECT_EQ(read_checkpoint(dir_ / fmt::format("cut{}/last.safetensors", ema))->position.step, 2);
    Listener after(cancel_);
    const auto resumed = resume_run(config_.out, after, cancel_);
    ASSERT_TRUE(resumed) << resumed.error().message;
    std::vector<double> losses = before.losses;
    losses.insert(losses.end(), after.losses.begin(), after.losses.end());
    EXPECT_EQ(losses, whole.losses);
    const auto a = read_checkpoint(dir_ / fmt::format("whole{}/last.safetensors", ema)),
               b = read_checkpoint(dir_ / fmt::format("cut{}/last.safetensors", ema));
    EXPECT_TRUE(equal(a->network, b->network));
    EXPECT_TRUE(equal(a->optimizer, b->optimizer));
    EXPECT_TRUE(equal(a->average, b->average));
    EXPECT_EQ(a->position.best_auc, b->position.best_auc);
    EXPECT_EQ(a->position.history.size(), b->position.history.size());
  }
}

TEST_F(RunTest, ResumeRefusesChangedData) {
  CancelFlag stop;
  Listener listener(stop, 2);
  ASSERT_FALSE(start_run(config_, listener, stop));
  std::ofstream(config_.data.manifest, std::ios::app) << "\n";
  const auto resumed = resume_run(config_.out, listener, cancel_);
  ASSERT_FALSE(resumed);
  EXPECT_NE(resumed.error().message.find("has changed"), std::string::npos);
}

TEST_F(RunTest, AFolderHoldsOneRun) {
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const auto again = train(listener);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("dfa-train resume"), std::string::npos);
}

TEST_F(RunTest, ValidationNeedsItsOwnRole) {
  const MadeCrops no_val{.side = 48, .train = 24, .val = 1, .test = 8};
  config_.data.manifest = write_made_crops(dir_ / "other", no_val).string();
  Listener listener(cancel_);
  const auto run = train(listener);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message.find("role test is never used"), std::string::npos);
}

TEST_F(RunTest, ANonFiniteLossStopsAndNamesTheBatch) {
  config_.optimizer.rule = Rule::sgd;
  config_.rate = config_.schedule.peak = 1e30;
  config_.schedule.warmup_epochs = 0;
  Listener listener(cancel_);
  const auto run = train(listener);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, ErrorCode::non_finite_loss);
  EXPECT_NE(run.error().message.find("train"), std::string::npos);
  EXPECT_NE(run.error().message.find("last good state"), std::string::npos);
}

TEST_F(RunTest, FrozenTrunkComesFromItsFile) {
  const auto vit = make_train_network(config_.network, hash_weights(config_.network), all_groups());
  TensorFile file;
  for (const ParameterSpec& spec : network_parameters(config_.network))
    if (spec.group == ParameterGroup::trunk) file.tensors[spec.name] = vit->tensors().at(spec.name);
  file.tensors["head.weight"] = Tensor::from_f32({1, 1}, std::vector<float>{0});
  ASSERT_TRUE(write_safetensors(file, dir_ / "vit.safetensors"));
  config_.pretrained = (dir_ / "vit.safetensors").string();
  config_.tuning = adapter_groups();
  config_.schedule.epochs = 1;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const auto checkpoint = read_checkpoint(dir_ / "run/last.safetensors");
  for (const auto& [name, tensor] : file.tensors)
    if (name != "head.weight") {
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, checkpoint->network.at(name).bytes)) << name;
    }
  EXPECT_EQ(checkpoint->initial_sha256.size(), 64U);

  file.tensors.erase("norm.bias");
  ASSERT_TRUE(write_safetensors(file, dir_ / "vit.safetensors"));
  config_.out = (dir_ / "second").string();
  const auto missing = train(listener);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("missing: norm.bias"), std::string::npos);
}

TEST_F(RunTest, ExportGivesAModelThatProvesItself) {
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  for (const Dtype dtype : {Dtype::f16, Dtype::f32}) {
    ExportOptions options;
    options.name = "made";
    options.card = "A card.";
    options.weights = dtype;
    const auto model = export_model(dir_ / "run", dir_ / "made.dfa", options);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->config, config_.network);
    EXPECT_EQ(model->crop, config_.crop);
    EXPECT_EQ(model->name, "made");
    ASSERT_TRUE(model->golden);
    const auto training = nlohmann::json::parse(model->training);
    EXPECT_EQ(training["config"]["seed"], 777);
    EXPECT_EQ(training["manifest_sha256"].get<std::string>().size(), 64U);
    EXPECT_EQ(training["metrics"]["epoch"], training["metrics"]["best_epoch"]);

    const std::size_t side = static_cast<std::size_t>(made_.side), values = 3 * 64 * 64;
    const auto network = make_network(model->config, model->weights, {.precision = Precision::f32, .threads = 1});
    ASSERT_TRUE(network) << network.error().message;
    std::vector<float> images(4 * values), logits(8);
    for (std::size_t i = 0; i < 4; ++i) {
      const PictureView crop{made_.side, made_.side, static_cast<std::ptrdiff_t>(3 * side),
                             &model->golden->crops[i * 3 * side * side]};
      ASSERT_TRUE(crop_to_tensor(crop, model->crop, 64, std::span(images).subspan(i * values, values)));
    }
    ASSERT_TRUE((*network)->forward(images, 4, {logits, {}}));
    for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], model->golden->logits[i], 2e-5);
  }
}

TEST_F(RunTest, TheCommandsWorkTogether) {
  const auto call = [&](const std::vector<std::string>& argv) {
    std::ostringstream out, err;
    const int status = cli_train::run(argv, {out, err}, cancel_);
    return std::pair(status, out.str() + err.str());
  };
  config_.schedule.epochs = 1;
  write_bytes(dir_ / "config.json", run_config_json(config_));
  const std::string config = (dir_ / "config.json").string(), folder = (dir_ / "cli").string();
  const auto [status, text] = call({"run", config, "--set", "out=" + folder, "--set", "schedule.epochs=2"});
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("\"epochs\":2"), std::string::npos);
  EXPECT_EQ(call({"export", folder, "--out", (dir_ / "m.dfa").string(), "--name", "m"}).first, 0);
  EXPECT_TRUE(load_model(dir_ / "m.dfa"));
  EXPECT_EQ(call({"resume", folder}).first, 0);  // already at its end
  EXPECT_EQ(call({"run", config, "--set", "bach=3"}).first, 2);
  EXPECT_EQ(call({"run", (dir_ / "absent.json").string()}).first, 3);
  EXPECT_EQ(call({"export", (dir_ / "m.dfa").string(), "--out", (dir_ / "n.dfa").string()}).first, 5);
  EXPECT_EQ(call({}).first, 2);
  const auto [unknown, hint] = call({"exprot"});
  EXPECT_EQ(unknown, 2);
  EXPECT_NE(hint.find("did you mean \"export\"?"), std::string::npos) << hint;
  EXPECT_NE(call({"export", folder, "--dtyp", "f16"}).second.find("did you mean \"--dtype\"?"), std::string::npos);
}

TEST_F(RunTest, ASignalEndsInItsStatus) {
  write_bytes(dir_ / "config.json", run_config_json(config_));
  CancelFlag stopped;
  stopped.request(SIGINT);
  std::ostringstream out, err;
  const std::vector<std::string> argv = {"run", (dir_ / "config.json").string()};
  EXPECT_EQ(cli_train::run(argv, {out, err}, stopped), 130);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "run/last.safetensors"));
}

}  // namespace
}  // namespace dfa::test
