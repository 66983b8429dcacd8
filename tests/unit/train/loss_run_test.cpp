// Losses and SAM in a whole run: their means in the metrics, and a resume that is exact.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"
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
    config_.data.manifest = write_made_crops(dir_.path(), made_).string();
    config_.optimizer.rule = Rule::adamw;
    config_.optimizer.sam_rho = 0.05;
    config_.loss.label_smoothing = 0.05;
    config_.loss.alignment = 0.1;
    config_.loss.uniformity = 0.5;
    config_.schedule = {.peak = 2e-3, .floor = 0, .epochs = 2, .warmup_epochs = 0};
    config_.rate = 2e-3;
    config_.rate_unit = RateUnit::absolute;
    config_.ema = 0.9;
    config_.batch = 6;
    config_.threads = 1;
  }
  std::string out(const char* name) const { return (dir_ / name).string(); }

  const TempDir dir_;
  const MadeCrops made_;
  RunConfig config_;
  CancelFlag cancel_;
};

TEST_F(LossRun, TermsAreReportedAndResumeIsExact) {
  config_.out = out("whole");
  Listener whole(cancel_);
  const auto summary = start_run(config_, whole, cancel_);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(whole.epochs.size(), 2U);
  double mean = 0;
  for (std::size_t i = 0; i < 4; ++i) mean += whole.steps[i].terms.at(2).value / 4;
  const nlohmann::json& terms = whole.epochs[0].at("train_terms");
  EXPECT_EQ(terms.size(), 3U);
  EXPECT_DOUBLE_EQ(terms.at("uniformity").get<double>(), mean);
  EXPECT_LT(whole.epochs[1].at("train_loss").get<double>(), whole.epochs[0].at("train_loss").get<double>());

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
  for (const auto& [name, tensor] : a->optimizer)
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, b->optimizer.at(name).bytes)) << name;
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
