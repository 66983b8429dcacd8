#include "cli/commands/evaluate.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands/evaluate_gather.hpp"
#include "cli/commands/evaluate_options.hpp"
#include "cli/commands/evaluate_parts.hpp"
#include "cli/commands/evaluate_write.hpp"
#include "eval/card_facts.hpp"
#include "eval/polarity.hpp"
#include "eval/threshold_choice.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

// Figures of the gathered scores, with the threshold's origin and what the card says of them.
Status evaluate(EvaluateRun& run) {
  EvaluationReport& report = run.report;
  EvaluationOptions options = run.options.evaluation_options();
  DFA_ASSIGN_OR_RETURN(
      const ThresholdChoice threshold,
      choose_threshold(run.options.threshold, run.model ? run.model->calibration : std::nullopt, run.scores, options));
  DFA_TRY(raise_wall(threshold.breaches, run.options.i_know, report.card));
  options.threshold = threshold.value.value_or(kDefaultThreshold);
  DFA_ASSIGN_OR_RETURN(report.evaluation, evaluate_scores(run.scores, options));
  if (!threshold.value)
    withhold(report.evaluation, Metric::balanced_accuracy,
             "no threshold: neither --threshold nor a calibration of the model gives one");
  report.card.set("threshold", threshold.origin);
  describe_figures(report.card, run.scores, report.evaluation);
  for (std::string& warning : polarity_warnings(report.evaluation)) report.notes.push_back(std::move(warning));
  if (!run.options.groups_by("method")) report.evaluation.methods.clear();
  if (!run.options.groups_by("set")) report.evaluation.sets.clear();
  return {};
}

// As of dfa detect: nothing scored is 3, or 4 where everything was read and had no usable face; failures beside
// scores 6.
ExitStatus status_of(const ScoreTable& scores) {
  std::size_t scored = 0, failed = 0;
  for (const Outcome outcome : scores.outcomes()) {
    scored += outcome == Outcome::scored ? 1 : 0;
    failed += outcome == Outcome::decode_error || outcome == Outcome::abstained ? 1 : 0;
  }
  if (scored == 0) return failed > 0 ? ExitStatus::no_input : ExitStatus::no_face;
  return failed > 0 ? ExitStatus::some_failed : ExitStatus::success;
}

Result<ExitStatus> run_parts(EvaluateRun& run, const std::vector<std::unique_ptr<EvaluatePart>>& parts,
                             CommandContext& context) {
  for (const auto& part : parts)
    if (part->replaces_run()) return part->run(run.options, context);
  DFA_TRY(gather_scores(run, context));
  DFA_TRY(evaluate(run));
  for (const auto& part : parts) DFA_TRY(part->extend(run, context));
  DFA_TRY(write_evaluation(run, context));
  for (const auto& part : parts) DFA_TRY(part->write(run, context));
  return status_of(run.scores);
}

void run_command(const EvaluateOptions& options, const std::vector<std::unique_ptr<EvaluatePart>>& parts,
                 CommandContext& context) {
  EvaluateRun run;
  run.options = options;
  run.report.tool = {kVersion, kBuildId};
  const Result<ExitStatus> status = run_parts(run, parts, context);
  if (!status) return context.fail_with(status.error());
  context.finish(*status);
}

}  // namespace

void add_evaluate_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<EvaluateOptions>();
  auto parts = std::make_shared<std::vector<std::unique_ptr<EvaluatePart>>>(evaluate_parts());
  CLI::App* command = app.add_subcommand(
      "evaluate", "Figures with 95 % intervals, of a model on the crops of manifests or of scores in a CSV file");
  add_evaluate_options(*command, *options, context);
  for (const auto& part : *parts) part->add_options(*command);
  command->callback([options, parts, &context] { run_command(*options, *parts, context); });
}

}  // namespace dfa::cli
