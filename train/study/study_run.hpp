// All cells of a study, some at a time, each in a process of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/study/cell_record.hpp"
#include "train/study/study_grid.hpp"

namespace dfa::train {

struct StudyRunOptions {
  int jobs = 1;     // cells at a time
  int threads = 0;  // of all of them together; 0 = every processor this process may use
  // The command that does the cell of this name with so many threads: argv, the program's path first.
  std::function<std::vector<std::string>(const std::string& cell, int threads)> command;
  // Told of each cell that begins, ends or fails. May be empty.
  std::function<void(const std::string& message)> note;
};

// Does every cell that is not finished; one that failed before is tried again. Failures are written down and returned,
// and do not stop the others. Errors: usage (another process works on this study), file_unwritable; cancelled: the
// cells in work have been asked to save and have ended.
Result<std::vector<CellFailure>> run_study(const Study& study, const StudyGrid& grid, const StudyRunOptions& options,
                                           const CancelFlag& cancel);

}  // namespace dfa::train
