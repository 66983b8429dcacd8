// A training run: manifest in, run folder out.
//
// The folder holds config.json (resolved), metrics.jsonl (a line an epoch), last.safetensors (the whole state) and
// best.safetensors (weights of the epoch with the highest validation AUC; of equal ones the earlier).
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/loop/observer.hpp"

namespace dfa::train {

struct RunSummary {
  std::filesystem::path folder;
  std::int64_t epochs = 0;
  double best_auc = 0;
  std::int64_t best_epoch = 0;
  int rank = 0;  // of this process; only rank 0 writes files
};

// In torchrun's environment several processes train together (devices/rank_group.hpp); rank 0 writes the folder and is
// the only one to report.
//
// Errors: rank_lost, and what other ranks failed with; usage (also for a run folder that already holds a run),
// manifest_invalid, recipe_mismatch, those of pictures and files, non_finite_loss (the message names the batch's crops
// and the last good checkpoint; nothing of the bad step is saved), cancelled: the state after the last completed step
// has been saved and resume_run() continues it bit for bit with the same number of threads.
Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel);
Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel);

}  // namespace dfa::train
