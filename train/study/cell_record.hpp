// What a finished cell leaves for the table: cell.json, written last, in its run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa::train {

inline constexpr const char* kCellFile = "cell.json";
inline constexpr const char* kCellModel = "model.dfa";
inline constexpr const char* kCellLog = "cell.log";
inline constexpr const char* kFailureFile = "failure.json";

struct CellTest {
  std::string name;
  std::string scores_file;    // in the cell's folder
  std::string scores_sha256;  // of that file
};

struct CellRecord {
  std::string definition_sha256;  // StudyCell's: a cell of another study is not taken for this one
  std::string model_sha256;
  double best_val_auc = 0;
  std::int64_t best_epoch = 0;
  std::vector<std::string> deviations;  // of its training from an honest one
  std::vector<CellTest> tests;
};

// Errors: file_unwritable.
Status write_cell_record(const std::filesystem::path& folder, const CellRecord& record);
// Nothing where the cell is not finished. Errors: model_format for a damaged record, file_unreadable.
Result<std::optional<CellRecord>> read_cell_record(const std::filesystem::path& folder);

// Why a cell has no result.
struct CellFailure {
  std::string cell;
  int exit_status = 0;  // of its process; 128 + n after signal n
  std::string cause;    // its last words
};
// failure.json, for people; a later success removes it.
Status write_cell_failure(const std::filesystem::path& folder, const CellFailure& failure);

}  // namespace dfa::train
