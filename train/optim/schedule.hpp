// Learning rate by iteration: linear warm-up, then half a cosine (spec method.md 3.1).
#pragma once

#include <cstdint>

namespace dfa::train {

struct Schedule {
  double peak = 0.025;  // learning rate at the end of the warm-up
  double floor = 0;     // learning rate at the end of the run
  std::int64_t epochs = 100;
  double warmup_epochs = 15;  // 0 = none; with warm-up the very first step has rate 0
};

// The rate of step `step` (from 0) of epoch `epoch` (from 0). Requires steps_per_epoch > 0.
double learning_rate(const Schedule& schedule, std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch);

}  // namespace dfa::train
