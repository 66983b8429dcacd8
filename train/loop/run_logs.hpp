// What a run writes down on its way: steps.jsonl and TensorBoard's event files. Both follow the checkpoint: see
// LogMarks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "train/loop/append_file.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/epoch_metrics.hpp"
#include "train/loop/train_step.hpp"

namespace dfa::train {

class RunLogs {
 public:
  // Cuts the logs in `folder` back to the marks and begins an event file of its own: a TensorBoard that is reading the
  // former one is not disturbed. `first_step`: the next step of the run, from 1. Errors: file_unwritable.
  static Result<RunLogs> open(const std::filesystem::path& folder, const LogMarks& marks, std::int64_t first_step);

  // `place` is that of the step just done, `seconds` what it took, waiting for its batch included.
  Status write_step(const StepPlace& place, const StepValues& values, int batch, double seconds);
  Status write_epoch(const EpochMetrics& metrics);
  // Puts all on the disk and says how long the logs are now.
  Result<LogMarks> mark();

 private:
  RunLogs(AppendFile steps, AppendFile events, std::int64_t number)
      : steps_(std::move(steps)), events_(std::move(events)), number_(number) {}
  AppendFile steps_;
  AppendFile events_;
  std::int64_t number_;
};

inline constexpr const char* kStepLog = "steps.jsonl";
inline constexpr const char* kEventFolder = "tensorboard";

}  // namespace dfa::train
