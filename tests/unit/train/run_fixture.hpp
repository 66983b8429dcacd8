// A small run on made crops, and an observer that keeps what it is told.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/loop/train_run.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {

// Keeps what it is told, and raises the flag after a number of steps.
class Listener : public train::RunObserver {
 public:
  explicit Listener(CancelFlag& cancel, int stop_after = -1) : cancel_(cancel), stop_after_(stop_after) {}
  void note(LogLevel, const std::string& message) override { notes += message + "\n"; }
  void on_step(const train::StepReport& report) override {
    losses.push_back(report.loss);
    if (static_cast<int>(losses.size()) == stop_after_) cancel_.request(SIGTERM);
    if (at_step) at_step(losses.size());
  }
  void on_epoch(const std::string& line) override { epochs.push_back(nlohmann::json::parse(line)); }
  std::function<void(std::size_t)> at_step;  // given the number of steps so far
  std::string notes;
  std::vector<double> losses;
  std::vector<nlohmann::json> epochs;

 private:
  CancelFlag& cancel_;
  int stop_after_;
};

class RunTest : public testing::Test {
 protected:
  RunTest() {
    config_.network = small_config();
    config_.tuning = train::all_groups();
    config_.crop = made_recipe(made_);
    config_.data.manifest = write_made_crops(dir_.path(), made_).string();
    config_.augment.flip = 0.5;
    config_.augment.brightness = {0.5, -0.1, 0.1};
    config_.optimizer.rule = train::Rule::adamw;
    config_.schedule = {.peak = 2e-3, .floor = 0, .epochs = 3, .warmup_epochs = 1};
    config_.rate = 2e-3;
    config_.rate_unit = train::RateUnit::absolute;
    config_.batch = 6;
    config_.threads = 1;
    config_.out = (dir_ / "run").string();
  }

  Result<train::RunSummary> train(Listener& listener) { return train::start_run(config_, listener, cancel_); }

  static bool equal(const TensorMap& a, const TensorMap& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [name, tensor] : a)
      if (!b.contains(name) || !std::ranges::equal(tensor.bytes, b.at(name).bytes)) return false;
    return true;
  }

  const TempDir dir_;
  const MadeCrops made_{};
  train::RunConfig config_;
  CancelFlag cancel_;
};

}  // namespace dfa::test
