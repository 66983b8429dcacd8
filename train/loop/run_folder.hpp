// The files of a run folder, and what holds among them at every moment, kill -9 included.
//
// Note [The last checkpoint is the truth]
// last.safetensors holds the whole state, the history of metrics included, and is replaced by one rename. Everything
// else follows from it and is set right when a run goes on:
// - metrics.jsonl is written again from the history, the logs are cut back (LogMarks).
// - best.safetensors must be the best epoch of *that* history. A new best therefore waits as best.pending.safetensors
//   until a last.safetensors that knows of it is in place; after a kill it is put in place or thrown away.
// - epoch-NNNN.safetensors and epoch-NNNN.best.safetensors are hard links to what last and best were then: they cost no
//   writing, and going back to one finds its best.
// Half-written files have names of their own (AtomicFile) and are removed when the run goes on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/folder_lock.hpp"
#include "train/loop/observer.hpp"

namespace dfa::train {

class RunFolder {
 public:
  // A new one, with config.json, locked. Errors: usage when it already holds a run or another process works in it,
  // file_unwritable.
  static Result<RunFolder> create(const RunConfig& config);
  // One that holds a run, locked. Errors: usage, file_unwritable.
  static Result<RunFolder> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path last() const { return path_ / kLastCheckpoint; }
  std::filesystem::path best() const { return path_ / kBestCheckpoint; }
  std::filesystem::path kept(std::int64_t epoch) const { return kept_checkpoint(path_, epoch); }

  // The whole state; then a best that waits is put in place.
  Status save_last(const Checkpoint& checkpoint) const;
  // Waits until the next save_last().
  Status save_best(const Checkpoint& checkpoint) const;
  // Keeps what last.safetensors and best.safetensors are now.
  Status keep(std::int64_t epoch) const;
  // metrics.jsonl, all lines.
  Status write_metrics(const std::vector<std::string>& lines) const;

  // Sets everything right to a run that goes on from `checkpoint`, which last.safetensors holds.
  Status settle(const Checkpoint& checkpoint, RunObserver& observer) const;
  // Makes `source`, a whole checkpoint of this run, the last one. What belongs to the steps after it moves into a new
  // folder set-aside-K, so that nothing is lost. Errors: file_unwritable.
  Status go_back(const std::filesystem::path& source, const Checkpoint& checkpoint, RunObserver& observer) const;

 private:
  RunFolder(std::filesystem::path path, FolderLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  Status settle_best(const RunPosition& position, RunObserver& observer) const;

  std::filesystem::path path_;
  FolderLock lock_;
};

}  // namespace dfa::train
