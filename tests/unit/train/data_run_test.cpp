// Runs with the words of "data" and "augment.set": none is inert, none depends on workers, all go on where they
// stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/temp_dir.hpp"
#include "train/loop/train_run.hpp"
#include "unit/train/made_faces.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::HasSubstr;

class Losses : public RunObserver {
 public:
  explicit Losses(CancelFlag& cancel, std::size_t stop_after = 0) : cancel_(cancel), stop_after_(stop_after) {}
  void note(LogLevel, const std::string& message) override { notes += message + "\n"; }
  void on_step(const StepReport& report) override {
    values.push_back(report.loss);
    if (values.size() == stop_after_) cancel_.request(SIGTERM);
  }
  void on_epoch(const std::string&) override {}
  std::string notes;
  std::vector<double> values;

 private:
  CancelFlag& cancel_;
  std::size_t stop_after_;
};

class DataRunTest : public testing::Test {
 protected:
  DataRunTest() {
    config_.network = small_config();
    config_.crop = made_recipe(made_);
    config_.data.manifest = write_made_faces(dir_.path(), made_).string();
    config_.schedule = {.peak = 1e-3, .floor = 0, .epochs = 1, .warmup_epochs = 0};
    config_.rate = 1e-3;
    config_.rate_unit = RateUnit::absolute;
    config_.batch = 8;
    config_.threads = 1;
  }
  // The losses of a run of its own.
  std::vector<double> run(const RunConfig& config) {
    RunConfig own = config;
    own.out = (dir_ / ("run" + std::to_string(++runs_))).string();
    CancelFlag cancel;
    Losses losses(cancel);
    const auto summary = start_run(own, losses, cancel);
    if (!summary) throw std::runtime_error(summary.error().message);
    notes_ = losses.notes;
    return losses.values;
  }
  const TempDir dir_;
  const MadeCrops made_{};
  RunConfig config_;
  std::string notes_;
  int runs_ = 0;
};

TEST_F(DataRunTest, EachWordChangesTheRunAndWorkersDoNot) {
  const std::vector<double> plain = run(config_);
  ASSERT_EQ(plain.size(), 3U);
  RunConfig paired = config_;
  paired.data.sampling = Sampling::paired;
  EXPECT_NE(run(paired), plain);
  EXPECT_THAT(notes_, HasSubstr("12 real crops with 12 fakes of the same frames; 0 real, 0 fake without a partner"));
  RunConfig blended = paired;
  blended.data.self_blend = 0.5;
  blended.augment_set = AugmentSet::standard;
  blended.augment = augment_options_of(AugmentSet::standard);
  const std::vector<double> losses = run(blended);
  EXPECT_NE(losses, plain);
  EXPECT_THAT(notes_, HasSubstr("self-blended pairs: drawn from 12 real crops"));
  blended.data.workers = 3;
  blended.data.prefetch = 4;
  blended.data.manifest = write_made_pack(config_.data.manifest).string();
  EXPECT_EQ(run(blended), losses) << "from a pack, by three workers";
  blended.data.self_blend = 0.25;
  EXPECT_NE(run(blended), losses);
}

TEST_F(DataRunTest, PairsGoOnWhereTheyStopped) {
  config_.data.self_blend = 1;
  config_.augment_set = AugmentSet::gend;
  config_.augment = augment_options_of(AugmentSet::gend);
  config_.schedule.epochs = 2;
  const std::vector<double> whole = run(config_);
  ASSERT_GE(whole.size(), 4U);
  config_.out = (dir_ / "cut").string();
  CancelFlag stop, go;
  Losses before(stop, 3), after(go);
  ASSERT_FALSE(start_run(config_, before, stop));
  const auto resumed = resume_run(dir_ / "cut", after, go);
  ASSERT_TRUE(resumed) << resumed.error().message;
  std::vector<double> both = before.values;
  both.insert(both.end(), after.values.begin(), after.values.end());
  EXPECT_EQ(both, whole);
}

TEST_F(DataRunTest, WhatCannotBePlannedStopsBeforeTheRunFolderIsMade) {
  config_.data.self_blend = 1;
  config_.batch = 7;
  config_.out = (dir_ / "never").string();
  CancelFlag cancel;
  Losses losses(cancel);
  const auto run = start_run(config_, losses, cancel);
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("whole pairs"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "never"));
}

}  // namespace
}  // namespace dfa::test
