// The files of a run folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/loop/checkpoint.hpp"

namespace dfa::train {

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  // A new one, with config.json. Errors: usage when it already holds a run, file_unwritable.
  Status create(const RunConfig& config) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path last() const { return path_ / kLastCheckpoint; }

  Status save_last(const Checkpoint& checkpoint) const;
  Status save_best(const Checkpoint& checkpoint) const;
  // metrics.jsonl, all lines.
  Status write_metrics(const std::vector<std::string>& lines) const;

 private:
  std::filesystem::path path_;
};

}  // namespace dfa::train
