#include "train/loop/run_folder.hpp"

#include <algorithm>
#include <regex>
#include <system_error>

#include "base/file.hpp"
#include "train/loop/run_logs.hpp"

namespace dfa::train {

namespace {

namespace fs = std::filesystem;

constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kPendingBest = "best.pending.safetensors";
constexpr const char* kBestSuffix = ".best.safetensors";

Status done(const fs::path& path, const std::error_code& error) {
  if (error) return fail(ErrorCode::file_unwritable, "{}: {}", path.string(), error.message());
  return {};
}

Status remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  return done(path, error);
}

Status rename_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return done(to, error);
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return done(path, error);
}

// A second name for a checkpoint, which is never changed in place; a copy where the file system has no hard links.
// Replaces `to` by one rename.
Status link_file(const fs::path& from, const fs::path& to) {
  const fs::path beside = to.string() + ".tmp-link-0";
  DFA_TRY(remove_file(beside));
  std::error_code error;
  fs::create_hard_link(from, beside, error);
  if (error) {
    error.clear();
    fs::copy_file(from, beside, error);
  }
  DFA_TRY(done(to, error));
  DFA_TRY(rename_file(beside, to));
  return remove_file(beside);  // rename() of two names of one file leaves both
}

// Names of the files of `folder` that match, in order.
std::vector<fs::path> files_like(const fs::path& folder, const std::regex& pattern) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (std::regex_match(it->path().filename().string(), pattern)) found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}

// Whether the file holds the weights of the best epoch of a run that stands at `position`.
bool is_best_of(const fs::path& path, const RunPosition& position) {
  const auto found = read_checkpoint(path);
  return found && found->position.best_epoch == position.best_epoch && found->position.best_auc == position.best_auc &&
         found->position.epoch == position.best_epoch;
}

fs::path free_set_aside(const fs::path& folder) {
  int number = 1;
  while (fs::exists(folder / fmt::format("set-aside-{}", number))) ++number;
  return folder / fmt::format("set-aside-{}", number);
}

}  // namespace

Result<RunFolder> RunFolder::create(const RunConfig& config) {
  const fs::path path = config.out;
  DFA_TRY(make_folder(path));
  DFA_ASSIGN_OR_RETURN(FolderLock lock, FolderLock::take(path));
  RunFolder folder(path, std::move(lock));
  if (fs::exists(folder.last()) || fs::exists(path / kMetrics))
    return fail(ErrorCode::usage,
                "{} already holds a run\n  next step: dfa-train resume {}, or another folder with --set out=DIR",
                path.string(), path.string());
  DFA_TRY(write_file_atomically(path / "config.json", run_config_json(config)));
  return folder;
}

Result<RunFolder> RunFolder::open(const fs::path& path) {
  if (!fs::is_directory(path)) return fail(ErrorCode::file_not_found, "{}: no such run folder", path.string());
  DFA_ASSIGN_OR_RETURN(FolderLock lock, FolderLock::take(path));
  return RunFolder(path, std::move(lock));
}

Status RunFolder::save_last(const Checkpoint& checkpoint) const {
  DFA_TRY(save_checkpoint(checkpoint, last()));
  return fs::exists(path_ / kPendingBest) ? rename_file(path_ / kPendingBest, best()) : Status{};
}

Status RunFolder::save_best(const Checkpoint& checkpoint) const {
  return save_checkpoint(checkpoint, path_ / kPendingBest);
}

Status RunFolder::keep(std::int64_t epoch) const {
  if (fs::exists(best())) DFA_TRY(link_file(best(), kept(epoch).replace_extension(kBestSuffix)));
  return link_file(last(), kept(epoch));
}

Status RunFolder::write_metrics(const std::vector<std::string>& lines) const {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return write_file_atomically(path_ / kMetrics, text);
}

Status RunFolder::settle_best(const RunPosition& position, RunObserver& observer) const {
  const fs::path pending = path_ / kPendingBest;
  if (position.best_epoch == 0) {
    DFA_TRY(remove_file(best()));
    return remove_file(pending);
  }
  if (!is_best_of(best(), position)) {
    std::vector<fs::path> candidates = files_like(path_, std::regex(R"(epoch-\d+\.best\.safetensors)"));
    candidates.insert(candidates.begin(), pending);
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const fs::path& path) { return is_best_of(path, position); });
    if (found != candidates.end()) {
      DFA_TRY(link_file(*found, best()));
    } else {
      DFA_TRY(remove_file(best()));
      observer.note(LogLevel::warning,
                    fmt::format("the weights of the best epoch so far ({}) are not in {}: best.safetensors will be "
                                "written when an epoch is better",
                                position.best_epoch, path_.string()));
    }
  }
  return remove_file(pending);
}

Status RunFolder::settle(const Checkpoint& checkpoint, RunObserver& observer) const {
  for (const fs::path& half : files_like(path_, std::regex(R"(.*\.tmp-[a-z0-9]+-\d+)"))) DFA_TRY(remove_file(half));
  const RunPosition& at = checkpoint.position;
  DFA_TRY(settle_best(at, observer));
  const int every = checkpoint.config.keep_every;
  const bool is_to_be_kept = every > 0 && at.epoch > 0 && at.step == 0 && at.epoch % every == 0;
  if (is_to_be_kept && !fs::exists(kept(at.epoch))) DFA_TRY(keep(at.epoch));
  return write_metrics(at.history);
}

Status RunFolder::go_back(const fs::path& source, const Checkpoint& checkpoint, RunObserver& observer) const {
  const fs::path aside = free_set_aside(path_);
  DFA_TRY(make_folder(aside));
  for (const fs::path& name : {last(), best()})
    if (fs::exists(name)) DFA_TRY(link_file(name, aside / name.filename()));
  std::error_code error;
  for (const char* name : {kMetrics, kStepLog, kEventFolder})
    if (fs::exists(path_ / name) && !error) fs::copy(path_ / name, aside / name, fs::copy_options::recursive, error);
  DFA_TRY(done(aside, error));
  // The best of that time lies beside a kept checkpoint; that of a set-aside last checkpoint has its usual name.
  for (const fs::path& its_best :
       {fs::path(source).replace_extension(kBestSuffix), source.parent_path() / kBestCheckpoint})
    if (is_best_of(its_best, checkpoint.position)) DFA_TRY(link_file(its_best, path_ / kPendingBest));
  DFA_TRY(link_file(source, last()));
  const std::int64_t epoch = checkpoint.position.epoch;
  for (const fs::path& file : files_like(path_, std::regex(R"(epoch-\d+(\.best)?\.safetensors)"))) {
    const std::string number = file.filename().string().substr(std::string_view("epoch-").size());
    if (std::strtoll(number.c_str(), nullptr, 10) > epoch) DFA_TRY(rename_file(file, aside / file.filename()));
  }
  observer.note(LogLevel::info, fmt::format("what came after epoch {}, step {} is kept in {}", epoch,
                                            checkpoint.position.step, aside.string()));
  return {};
}

}  // namespace dfa::train
