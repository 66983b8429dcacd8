// A training run: manifest in, run folder out.
//
// The folder holds config.json (resolved), metrics.jsonl (a line an epoch), steps.jsonl and tensorboard/ (points every
// log_every steps), report.html, last.safetensors (the whole state) and best.safetensors (weights of the epoch with the
// highest validation AUC; of equal ones the earlier), and where keep_every asks for them epoch-NNNN.safetensors.
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
// Errors: rank_lost, and what other ranks failed with; usage (also for a run folder that already holds a run, or in
// which another process works), manifest_invalid, recipe_mismatch, those of pictures and files, non_finite_loss (the
// message names the batch's crops), file_unwritable (disk full). Each message names epoch, step and the last good
// state, which resume_run() continues; nothing of the bad step is saved. cancelled: the state after the last completed
// step has been saved.
Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel);
// From the last saved state on, which need not be the last step that was taken: kill -9 leaves a folder that continues
// just so. The continued run equals an undisturbed one bit for bit on the same machine with the same number of threads,
// metrics included, but for the figures that tell of the machine (EpochMetrics).
Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel);
// The same from an earlier state of this run (a kept checkpoint, or one from a set-aside folder), which becomes the
// last one; what came after it is set aside, not deleted. Errors: also usage for a checkpoint of another run,
// model_incompatible for best.safetensors, which holds no momenta.
Result<RunSummary> resume_run_from(const std::filesystem::path& folder, const std::filesystem::path& source,
                                   RunObserver& observer, const CancelFlag& cancel);

}  // namespace dfa::train
