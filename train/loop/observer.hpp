// Who is told how a run goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "train/losses/loss_values.hpp"

namespace dfa::train {

struct StepReport {
  std::int64_t epoch = 0;  // from 1
  std::int64_t epochs = 0;
  std::int64_t step = 0;   // from 1
  std::int64_t steps = 0;  // an epoch
  double loss = 0;
  double learning_rate = 0;
  double seconds_left = 0;           // of the whole run, from the steps so far
  std::vector<LossTerm> terms = {};  // what the loss is the sum of
};

// Called on the training thread.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void note(LogLevel level, const std::string& message) = 0;
  virtual void on_step(const StepReport& report) = 0;
  virtual void on_epoch(const std::string& metrics_line) = 0;  // JSON, as in metrics.jsonl
};

}  // namespace dfa::train
