#include "train/study/cell_work.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/machine.hpp"
#include "eval/score_crops.hpp"
#include "eval/score_csv.hpp"
#include "train/export/export_model.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"
#include "train/study/cell_record.hpp"

namespace dfa::train {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;
constexpr int kScoringBatch = 16;

// The configuration in a run folder is this cell's, but for where it lies and how many threads it has.
Status check_same_run(const fs::path& folder, const RunConfig& config) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(folder / "config.json", kMaxConfigBytes));
  DFA_ASSIGN_OR_RETURN(RunConfig there, parse_run_config(text, (folder / "config.json").string(), {}));
  there.out = config.out;
  there.threads = config.threads;
  if (run_config_json(there) == run_config_json(config)) return {};
  return fail(ErrorCode::usage,
              "{}: holds a run of another configuration than the study says\n  likely cause: the study was changed "
              "after it had begun\n  next step: remove this folder, or give the study another \"out\"",
              folder.string());
}

Result<RunSummary> train_cell(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel) {
  const fs::path folder = config.out;
  if (!fs::exists(folder / kLastCheckpoint)) return start_run(config, observer, cancel);
  DFA_TRY(check_same_run(folder, config));
  return resume_run(folder, observer, cancel);
}

Result<CellTest> score_test(const StudyTest& test, const StudyCell& cell, const Model& model, int threads,
                            const CancelFlag& cancel) {
  ScoreCropsOptions options;
  options.network.threads = threads;
  options.network.max_batch = kScoringBatch;
  DFA_ASSIGN_OR_RETURN(const std::vector<CropScore> scores,
                       score_crops(model, test_manifest(test, cell), test.role, options, cancel));
  if (scores.empty())
    return fail(ErrorCode::manifest_invalid, "{}: no crop has role {}", test_manifest(test, cell).string(),
                role_name(test.role));
  ScoreTable table;
  DFA_TRY(add_scores(table, scores));
  const fs::path folder = cell.config.out;
  CellTest done{test.name, "scores-" + file_name_of(test.name) + ".csv", ""};
  DFA_TRY(write_scores_csv(table, DroppedInputs::counted, folder / done.scores_file));
  DFA_ASSIGN_OR_RETURN(done.scores_sha256, sha256_file(folder / done.scores_file));
  return done;
}

}  // namespace

Status do_cell(const Study& study, const StudyCell& cell, int threads, RunObserver& observer,
               const CancelFlag& cancel) {
  const fs::path folder = cell.config.out;
  DFA_ASSIGN_OR_RETURN(const auto finished, read_cell_record(folder));
  if (finished && finished->definition_sha256 == cell.definition_sha256) return {};
  RunConfig config = cell.config;
  config.threads = threads;
  DFA_ASSIGN_OR_RETURN(const RunSummary run, train_cell(config, observer, cancel));
  DFA_ASSIGN_OR_RETURN(const Model model, export_model(folder, folder / kCellModel, {}));
  CellRecord record;
  record.definition_sha256 = cell.definition_sha256;
  record.model_sha256 = model.sha256;
  record.best_val_auc = run.best_auc;
  record.best_epoch = run.best_epoch;
  record.deviations = deviations_of(config);
  const int scoring_threads = threads > 0 ? threads : usable_processors();
  for (const StudyTest& test : study.tests) {
    DFA_ASSIGN_OR_RETURN(CellTest done, score_test(test, cell, model, scoring_threads, cancel));
    record.tests.push_back(std::move(done));
  }
  return write_cell_record(folder, record);
}

}  // namespace dfa::train
