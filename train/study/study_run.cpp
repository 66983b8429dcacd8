#include "train/study/study_run.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <list>
#include <thread>

#include "base/machine.hpp"
#include "train/loop/folder_lock.hpp"
#include "train/study/child_process.hpp"

namespace dfa::train {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLook{50};
constexpr std::size_t kMostCauseBytes = 2000;
constexpr int kSignalBase = 128;
constexpr const char* kErrorPrefix = "dfa-train: ";

// What the log says of a failure: from the last error message on; without one, its last line.
std::string last_words(const fs::path& log, int status) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : 0;
  const std::streamoff wanted = std::min<std::streamoff>(size, 2 * static_cast<std::streamoff>(kMostCauseBytes));
  std::string end(static_cast<std::size_t>(wanted), '\0');
  file.seekg(size - wanted);
  file.read(end.data(), wanted);
  while (end.ends_with('\n')) end.pop_back();
  std::size_t from = end.rfind(std::string("\n") + kErrorPrefix);
  if (from == std::string::npos) from = end.rfind('\n');
  std::string words = from == std::string::npos ? end : end.substr(from + 1);
  if (words.starts_with(kErrorPrefix)) words = words.substr(std::string_view(kErrorPrefix).size());
  if (status > kSignalBase)
    words = fmt::format("ended by signal {}{}", status - kSignalBase,
                        status - kSignalBase == SIGKILL ? " (too little memory is a likely cause)" : "");
  return words.substr(0, kMostCauseBytes);
}

// The cells in work, their beginnings and ends.
class Pool {
 public:
  explicit Pool(const StudyRunOptions& options) : options_(options) {
    const int all = options.threads > 0 ? options.threads : usable_processors();
    threads_ = std::max(1, all / options.jobs);
  }

  bool is_full() const { return static_cast<int>(work_.size()) >= options_.jobs; }
  bool is_empty() const { return work_.empty(); }
  std::vector<CellFailure> take_failures() { return std::move(failures_); }

  Status start(const StudyCell& cell) {
    const fs::path folder = cell.config.out;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail(ErrorCode::file_unwritable, "{}: {}", folder.string(), error.message());
    DFA_ASSIGN_OR_RETURN(ChildProcess process,
                         ChildProcess::start(options_.command(cell.name, threads_), folder / kCellLog));
    say(cell.name + ": begun");
    work_.push_back({&cell, std::move(process)});
    return {};
  }

  // Those that have ended leave the pool.
  Status collect() {
    for (auto it = work_.begin(); it != work_.end();) {
      const std::optional<int> status = it->process.status();
      if (!status) {
        ++it;
        continue;
      }
      DFA_TRY(conclude(*it->cell, *status));
      it = work_.erase(it);
    }
    return {};
  }

  // Asks all to save and waits for them: what they were at is done when the study goes on.
  void stop() {
    for (const Work& work : work_) work.process.send(SIGTERM);
    for (Work& work : work_)
      while (!work.process.status()) std::this_thread::sleep_for(kLook);
    work_.clear();
  }

  void say(const std::string& message) const {
    if (options_.note) options_.note(message);
  }

 private:
  struct Work {
    const StudyCell* cell;
    ChildProcess process;
  };

  Status conclude(const StudyCell& cell, int status) {
    const fs::path folder = cell.config.out;
    DFA_ASSIGN_OR_RETURN(const auto record, read_cell_record(folder));
    std::error_code ignored;
    if (status == 0 && record && record->definition_sha256 == cell.definition_sha256) {
      fs::remove(folder / kFailureFile, ignored);
      say(fmt::format("{}: done, best validation AUC {:.4f}", cell.name, record->best_val_auc));
      return {};
    }
    CellFailure failure{cell.name, status, last_words(folder / kCellLog, status)};
    if (status == 0) failure.cause = "the study, its data or its configuration changed while the cell was in work";
    say(fmt::format("{}: failed (exit status {}): {}", cell.name, status, failure.cause));
    DFA_TRY(write_cell_failure(folder, failure));
    failures_.push_back(std::move(failure));
    return {};
  }

  const StudyRunOptions& options_;
  int threads_ = 1;
  std::list<Work> work_;
  std::vector<CellFailure> failures_;
};

}  // namespace

Result<std::vector<CellFailure>> run_study(const Study& study, const StudyGrid& grid, const StudyRunOptions& options,
                                           const CancelFlag& cancel) {
  std::error_code error;
  fs::create_directories(study.out, error);
  if (error) return fail(ErrorCode::file_unwritable, "{}: {}", study.out.string(), error.message());
  DFA_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::take(study.out));
  Pool pool(options);
  auto next = grid.cells.begin();
  while (!cancel.requested() && (next != grid.cells.end() || !pool.is_empty())) {
    DFA_TRY(pool.collect());
    if (next == grid.cells.end() || pool.is_full()) {
      std::this_thread::sleep_for(kLook);
      continue;
    }
    DFA_ASSIGN_OR_RETURN(const auto finished, read_cell_record(next->config.out));
    if (finished && finished->definition_sha256 == next->definition_sha256)
      pool.say(next->name + ": finished before");
    else
      DFA_TRY(pool.start(*next));
    ++next;
  }
  if (!cancel.requested()) return pool.take_failures();
  pool.stop();
  return fail(ErrorCode::cancelled, "stopped; the cells in work have saved their states");
}

}  // namespace dfa::train
