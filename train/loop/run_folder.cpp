#include "train/loop/run_folder.hpp"

#include "base/file.hpp"

namespace dfa::train {

namespace {
constexpr const char* kMetrics = "metrics.jsonl";
}

Status RunFolder::create(const RunConfig& config) const {
  if (std::filesystem::exists(last()) || std::filesystem::exists(path_ / kMetrics))
    return fail(ErrorCode::usage,
                "{} already holds a run\n  next step: dfa-train resume {}, or another folder with --set out=DIR",
                path_.string(), path_.string());
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return fail(ErrorCode::file_unwritable, "{}: {}", path_.string(), error.message());
  return write_file_atomically(path_ / "config.json", run_config_json(config));
}

Status RunFolder::save_last(const Checkpoint& checkpoint) const {
  return save_checkpoint(checkpoint, last());
}

Status RunFolder::save_best(const Checkpoint& checkpoint) const {
  return save_checkpoint(checkpoint, path_ / kBestCheckpoint);
}

Status RunFolder::write_metrics(const std::vector<std::string>& lines) const {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return write_file_atomically(path_ / kMetrics, text);
}

}  // namespace dfa::train
