// A data set of noise for a run whose crops are not there yet: it costs what crops cost.
#pragma once

#include <filesystem>
#include <utility>

#include "base/result.hpp"
#include "base/temp_folder.hpp"
#include "train/config/run_config.hpp"

namespace dfa::train {

// A temporary folder with crops and a manifest; gone with the object.
class MadeData {
 public:
  // Enough crops of both classes for a training batch and a validation batch. Errors: file_unwritable.
  static Result<MadeData> create(const RunConfig& config);
  std::filesystem::path manifest() const { return folder_.path() / "manifest.jsonl"; }

 private:
  explicit MadeData(TempFolder folder) : folder_(std::move(folder)) {}
  Status fill(const RunConfig& config) const;
  TempFolder folder_;
};

}  // namespace dfa::train
