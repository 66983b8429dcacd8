// What a run will take, before it is started: parameters, peak memory, time.
//
// Note [How a plan is made]
// Parameters are counted. Memory and time are measured: the plan opens what the run would open and takes a few of its
// real steps, with its loader, the first batches of a validation and the making of a checkpoint (which is not written),
// in this process, and reads the process's largest resident set. Shapes alone would not do: what torch's kernels take
// as workspace, and what the allocator keeps of freed pieces, are as large as the activations.
// - Peak memory = the largest resident set after these + what the caches of decoded crops will still grow by.
// - The first steps are not timed: they build kernels and fill the loader's window. Where the loader is what one waits
//   for, steps are timed once on crops that must be decoded and once on those that are cached; the first epoch is
//   counted at the first figure, later ones in proportion to what the cache holds.
// - Saving to the disk is not in the time.
// Without a manifest the crops are made up: noise of the recipe's size, in a temporary folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/loop/observer.hpp"

namespace dfa::train {

struct RunPlanOptions {
  int steps = 8;           // timed
  double seconds = 60;     // no step is begun after so much timing; at least two are
  std::int64_t crops = 0;  // training crops of a run whose manifest is not there yet; 0 = not known
};

struct GroupPlan {
  std::string name;
  std::int64_t trained = 0, frozen = 0;  // parameters
};

// MiB. The parts are sizes of tensors; what is left to the peak are activations, workspaces and the program.
struct MemoryPlan {
  double peak = 0;
  std::string peak_while;  // "training", "validation", "saving"
  double weights = 0, gradients = 0, optimizer = 0, average = 0;
  double batches = 0;     // ahead of the training step and in it
  double crop_cache = 0;  // full
  double saving = 0;      // a copy of the state for a moment
};

struct TimePlan {
  int steps_timed = 0;
  double step_seconds = 0;         // decoding crops where they are not cached
  double step_seconds_cached = 0;  // with all crops cached
  double validation_seconds = 0;   // an epoch
  std::int64_t steps = 0;          // an epoch; 0 = not known
  std::int64_t epochs = 0;
  double first_epoch_seconds = 0, epoch_seconds = 0, run_seconds = 0;  // 0 = not known
};

struct RunPlan {
  std::string tuning;  // the word
  std::vector<GroupPlan> groups;
  std::int64_t trained = 0, frozen = 0;
  bool made_crops = false;  // the manifest was not there
  int batch = 0;
  MemoryPlan memory;
  TimePlan time;
};

// Errors: those of opening a run, non_finite_loss, cancelled.
Result<RunPlan> plan_run(const RunConfig& config, const RunPlanOptions& options, RunObserver& observer,
                         const CancelFlag& cancel);

// One JSON object on one line; and a table for readers.
std::string plan_json(const RunPlan& plan);
std::string plan_text(const RunPlan& plan);

}  // namespace dfa::train
