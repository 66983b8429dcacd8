// A file that holds a run's whole state: safetensors, written beside and renamed. Every random number of a run comes
// from (seed, epoch, place), so the state of the generators is the position in the epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"
#include "train/config/run_config.hpp"
#include "train/losses/loss_values.hpp"
#include "train/optim/loss_scale.hpp"

namespace dfa::train {

// How long the logs were when a state was saved: what is beyond is cut off when the run goes on from there, so that no
// line and no point is written twice.
struct LogMarks {
  std::int64_t steps_bytes = 0;   // of steps.jsonl
  std::int64_t events_file = 0;   // number of the last TensorBoard file; 0 = none
  std::int64_t events_bytes = 0;  // of that file
};

// Where a run stands.
struct RunPosition {
  std::int64_t epoch = 0;            // epochs completed
  std::int64_t step = 0;             // steps completed in the epoch that follows; 0 unless it was interrupted
  double loss_sum = 0;               // over these steps
  TermMeans terms;                   // of the loss, over these steps
  double norm_sum = 0;               // of gradient norms, over these steps but the skipped ones
  std::int64_t skipped = 0;          // of these steps, those that the loss scale left out
  double seconds = 0;                // spent on these steps
  double best_auc = -1;              // of the validation crops; -1 = none yet
  std::int64_t best_epoch = 0;       // counted from 1; 0 = none yet
  std::vector<std::string> history;  // the lines of metrics.jsonl
  LogMarks logs;
};

// whole: a run can go on from it. weights: of the best epoch, without momenta and average.
enum class CheckpointKind { whole, weights };

struct Checkpoint {
  CheckpointKind kind = CheckpointKind::whole;
  RunConfig config;
  RunPosition position;
  std::string code_version;
  std::string manifest_sha256;
  std::string initial_sha256;                // of the file with the pre-trained trunk; empty without one
  std::string trunk_sha256;                  // of the trunk's tensors before training (start_weights.hpp)
  TensorMap network;                         // of training_parameters(): with the factors of a low-rank change
  TensorMap loss_heads;                      // of the losses that train some; no part of the network
  TensorMap optimizer;                       // empty unless whole
  std::optional<LossScaleState> loss_scale;  // nothing without loss scaling, and unless whole
  TensorMap average;                         // empty unless whole, and without a weight average
};

Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);
// Errors: file_*, model_format, model_incompatible for a file that is no checkpoint or one of another format version.
Result<Checkpoint> read_checkpoint(const std::filesystem::path& path);

inline constexpr const char* kLastCheckpoint = "last.safetensors";
inline constexpr const char* kBestCheckpoint = "best.safetensors";
// epoch-NNNN.safetensors in the run folder: the whole state after that epoch, where `keep_every` asks for it.
std::filesystem::path kept_checkpoint(const std::filesystem::path& folder, std::int64_t epoch);

}  // namespace dfa::train
