#include "cli/commands/evaluate_write.hpp"

#include <system_error>

#include "base/file.hpp"
#include "eval/level_scores.hpp"
#include "eval/score_csv.hpp"

namespace dfa::cli {
namespace {

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::file_unwritable, "{}: cannot be created ({})", folder.string(), error.message());
}

Status write_folder(const EvaluateRun& run) {
  const std::filesystem::path folder = run.options.out;
  DFA_TRY(make_folder(folder));
  for (const EvaluationFormInfo& info : evaluation_forms())
    DFA_TRY(write_file_atomically(folder / info.file, evaluation_text(run.report, info.form)));
  if (run.scores.size() == 0) return {};
  const EvaluationOptions& options = run.report.evaluation.options;
  DFA_TRY(write_scores_csv(run.scores, options.dropped, folder / "scores.csv"));
  return write_videos_csv(run.scores, {options.video, options.no_face, options.min_frames_per_video},
                          folder / "videos.csv");
}

}  // namespace

Status write_evaluation(const EvaluateRun& run, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const EvaluationForm form, evaluation_form_by_name(context.options.format));
  if (!run.options.scores.empty())
    DFA_TRY(write_scores_csv(run.scores, run.report.evaluation.options.dropped, run.options.scores));
  if (!run.options.out.empty()) DFA_TRY(write_folder(run));
  context.out << evaluation_text(run.report, form);
  return {};
}

}  // namespace dfa::cli
