// Losses and SAM in a whole run: their means in the metrics, and a resume that is exact.
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/temp_dir.hpp"
#include "train/devices/shares.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"
#include "train/loop/train_step.hpp"
#include "unit/train/made_faces.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

class Listener : public RunObserver {
 public:
  explicit Listener(CancelFlag& cancel, int stop_after = -1) : cancel_(cancel), stop_after_(stop_after) {}
  void note(LogLevel, const std::string&) override {}
  void on_step(const StepReport& report) override {
    steps.push_back(report);
    if (static_cast<int>(steps.size()) == stop_after_) cancel_.request(SIGTERM);
  }
  void on_epoch(const std::string& line) override { epochs.push_back(nlohmann::json::parse(line)); }
  std::vector<StepReport> steps;
  std::vector<nlohmann::json> epochs;

 private:
  CancelFlag& cancel_;
  int stop_after_;
};

class LossRun : public testing::Test {
 protected:
  LossRun() {
    config_.network = small_config();
    config_.crop = made_recipe(made_);
    config_.data.manifest = write_made_faces(dir_.path(), made_).string();
    config_.optimizer.rule = Rule::adamw;
    config_.optimizer.sam_rho = 0.05;
    config_.loss.label_smoothing = 0.05;
    config_.loss.alignment = 0.1;
    config_.loss.uniformity = 0.5;
    config_.loss.mask = 5;
    config_.loss.boundary = 5;
    config_.loss.patch_contrast = 1;
    config_.loss.consistency = 0.5;
    config_.loss.consistency_ramp_epochs = 1;
    config_.schedule = {.peak = 2e-3, .floor = 0, .epochs = 2, .warmup_epochs = 0};
    config_.rate = 2e-3;
    config_.rate_unit = RateUnit::absolute;
    config_.ema = 0.9;
    config_.batch = 6;
    config_.threads = 1;
  }
  std::string out(const char* name) const { return (dir_ / name).string(); }

  const TempDir dir_;
  const MadeCrops made_{};
  RunConfig config_;
  CancelFlag cancel_;
};

TEST_F(LossRun, TermsAreReportedAndResumeIsExact) {
  config_.out = out("whole");
  Listener whole(cancel_);
  const auto summary = start_run(config_, whole, cancel_);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(whole.epochs.size(), 2U);
  const nlohmann::json& terms = whole.epochs[0].at("train_terms");
  EXPECT_EQ(terms.size(), 7U) << terms.dump();
  std::map<std::string, std::vector<double>> seen;
  for (std::size_t i = 0; i < 4; ++i)
    for (const LossTerm& term : whole.steps[i].terms) seen[term.name].push_back(term.value);
  for (const auto& [name, values] : seen)
    EXPECT_DOUBLE_EQ(terms.at(name).get<double>(),
                     std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()))
        << name;
  EXPECT_EQ(whole.steps[0].terms.back().weight, 0.0) << "the ramp of consistency";
  EXPECT_EQ(whole.steps[2].terms.back().weight, 0.25);
  EXPECT_LT(whole.epochs.back().at("train_loss").get<double>(), whole.epochs[0].at("train_loss").get<double>());

  config_.out = out("cut");
  CancelFlag stop;
  Listener before(stop, 2), after(cancel_);
  ASSERT_FALSE(start_run(config_, before, stop));
  ASSERT_TRUE(resume_run(config_.out, after, cancel_));
  EXPECT_EQ(after.epochs.at(0).at("train_terms"), terms);
  const auto a = read_checkpoint(dir_ / "whole/last.safetensors"), b = read_checkpoint(dir_ / "cut/last.safetensors");
  ASSERT_TRUE(a && b);
  for (const auto& [name, tensor] : a->network)
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, b->network.at(name).bytes)) << name;
  ASSERT_EQ(a->loss_heads.size(), 12U);
  for (const auto& [name, tensor] : a->loss_heads)
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, b->loss_heads.at(name).bytes)) << name;
  for (const auto& [name, tensor] : a->optimizer)
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, b->optimizer.at(name).bytes)) << name;
}

// Weights of the classes: the crops of an epoch and their order stay, the loss of a step is the weighted mean.
TEST_F(LossRun, ClassWeightsLeaveTheSamplerAlone) {
  config_.loss = {};
  config_.optimizer.sam_rho = 0;
  Listener listener(cancel_);
  auto plain = open_parts(config_, RankGroup::alone(), listener);
  config_.data.class_weights = {ClassWeights::Kind::balanced};
  auto weighted = open_parts(config_, RankGroup::alone(), listener);
  ASSERT_TRUE(plain && weighted);
  double crops[2] = {};
  for (const Sample& sample : plain->train_crops->samples()) ++crops[sample.label];
  const double whole = crops[0] + crops[1], balanced[2] = {whole / (2 * crops[0]), whole / (2 * crops[1])};
  EXPECT_TRUE(plain->class_weights.empty());
  EXPECT_EQ(weighted->class_weights, std::vector<double>(std::begin(balanced), std::end(balanced)));
  weighted->class_weights = {0.5, 3};  // the made crops are half real, half fake

  const auto first = start_epoch(*plain, 0, 0), second = start_epoch(*weighted, 0, 0);
  const auto a = next_parts(**first, 1), b = next_parts(**second, 1);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->front().images, b->front().images);
  EXPECT_EQ(a->front().samples, b->front().samples);
  const auto values = plain->gradients->loss_and_gradients(*a, {});
  ASSERT_TRUE(values) << values.error().message;
  double sum = 0;
  const std::vector<std::int64_t>& labels = a->front().labels;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double x = values->logits[2 * i], y = values->logits[2 * i + 1];
    sum += weighted->class_weights[static_cast<std::size_t>(labels[i])] *
           (std::log(std::exp(x) + std::exp(y)) - (labels[i] == 0 ? x : y));
  }
  const auto step = train_step(*weighted, *b, {0, 0, 4});
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_NEAR(step->loss, sum / static_cast<double>(labels.size()), 1e-6);
  EXPECT_GT(std::abs(step->loss - values->loss), 1e-2);
}

// All of it as the committed configuration has it, with a narrower network: self-blended pairs bring masks of their
// own.
TEST_F(LossRun, TheCommittedConfigurationRuns) {
  auto config =
      read_run_config(std::filesystem::path(DFA_CONFIGS_DIR) / "small-all-losses.json",
                      std::vector<std::string>{"dim=48", "spm_width=16", "bottleneck=8", "batch=8", "schedule.epochs=1",
                                               "schedule.warmup_epochs=0", "threads=1",
                                               "data.manifest=" + config_.data.manifest, "out=" + out("all")});
  ASSERT_TRUE(config) << config.error().message;
  config->crop = config_.crop;
  Listener listener(cancel_);
  const auto summary = start_run(*config, listener, cancel_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(listener.epochs.at(0).at("train_terms").size(), 7U);
}

TEST_F(LossRun, CheckpointsKeepTheHeads) {
  Checkpoint checkpoint;
  checkpoint.config = config_;
  checkpoint.loss_heads["mask_head.0.bias"] = Tensor::from_f32({1}, std::vector<float>{0.25F});
  checkpoint.position.terms["mask"] = {1.5, 3};
  ASSERT_TRUE(save_checkpoint(checkpoint, dir_ / "c.safetensors"));
  const auto back = read_checkpoint(dir_ / "c.safetensors");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back->loss_heads.at("mask_head.0.bias").to_f32(), (std::vector<float>{0.25F}));
  EXPECT_TRUE(back->network.empty());
  EXPECT_EQ(back->position.terms.at("mask").mean(), 0.5);
}

}  // namespace
}  // namespace dfa::test
