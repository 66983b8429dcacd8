// A training run: manifest in, run folder out.
//
// The folder holds config.json (resolved), metrics.jsonl (a line an epoch), last.safetensors (the whole state) and
// best.safetensors (weights of the epoch with the highest validation AUC; of equal ones the earlier).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/losses/loss_values.hpp"

namespace dfa::train {

struct StepReport {
  std::int64_t epoch = 0;  // from 1
  std::int64_t epochs = 0;
  std::int64_t step = 0;   // from 1
  std::int64_t steps = 0;  // an epoch
  double loss = 0;
  std::vector<LossTerm> terms;  // what the loss is the sum of
  double learning_rate = 0;
  double seconds_left = 0;  // of the whole run, from the steps so far
};

// Who is told how it goes. Called on the training thread.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void note(LogLevel level, const std::string& message) = 0;
  virtual void on_step(const StepReport& report) = 0;
  virtual void on_epoch(const std::string& metrics_line) = 0;  // JSON, as in metrics.jsonl
};

struct RunSummary {
  std::filesystem::path folder;
  std::int64_t epochs = 0;
  double best_auc = 0;
  std::int64_t best_epoch = 0;
};

// Errors: usage (also for a run folder that already holds a run), manifest_invalid, recipe_mismatch, those of pictures
// and files, non_finite_loss (the message names the batch's crops and the last good checkpoint; nothing of the bad step
// is saved), cancelled: the state after the last completed step has been saved and resume_run() continues it bit for
// bit with the same number of threads.
Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel);
Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel);

}  // namespace dfa::train
