#include "cli/commands/evaluate.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cli/options.hpp"
#include "eval/evaluation.hpp"
#include "eval/score_crops.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBatch = 16;
constexpr int kMostRounds = 1'000'000;

struct EvaluateOptions {
  std::vector<std::string> data;
  std::string role = "test";
  std::string scores;
  int bootstrap_rounds = BootstrapOptions{}.rounds;
  std::int64_t seed = static_cast<std::int64_t>(BootstrapOptions{}.seed);
  bool force_crop = false;
};

// What was scored, by what, and what came of it.
struct Evaluated {
  Model model;
  Precision precision = Precision::f32;
  std::vector<CropScore> scores;
  Evaluation evaluation;
};

Json auc_json(const MetricValue& auc) {
  if (auc.interval) return {{"value", auc.interval->value}, {"low", auc.interval->low}, {"high", auc.interval->high}};
  return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"undefined", auc.undefined}};
}

std::size_t unlabelled(const Evaluation& evaluation) {
  const auto& counts = evaluation.all.coverage.crops.unlabelled;
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

Json figures_json(const Figures& figures) {
  const auto level = [](const LevelFigures& one) -> Json {
    return {{"auc", auc_json(one.of(Metric::auc))}, {"reals", one.reals}, {"fakes", one.fakes}};
  };
  return {{"frame", level(figures.frame)}, {"video", level(figures.video)}};
}

Json to_json(const Evaluated& evaluated, const EvaluateOptions& options) {
  const Evaluation& evaluation = evaluated.evaluation;
  Json json = {{"schema", "dfa.evaluation/1"},
               {"tool", {{"version", kVersion}, {"build", kBuildId}}},
               {"model", {{"name", evaluated.model.name}, {"sha256", evaluated.model.sha256}}},
               {"engine", {{"precision", precision_name(evaluated.precision)}}},
               {"data",
                {{"manifests", options.data},
                 {"role", options.role},
                 {"crops", evaluation.all.coverage.crops.inputs()},
                 {"unlabelled", unlabelled(evaluation)},
                 {"unscored", evaluation.all.coverage.crops.unscored()},
                 {"coverage", evaluation.all.coverage.share_crops()},
                 {"recipe_forced", options.force_crop}}},
               {"bootstrap",
                {{"rounds", evaluation.options.bootstrap.rounds},
                 {"seed", evaluation.options.bootstrap.seed},
                 {"over", "videos, stratified by class"},
                 {"interval", 0.95}}}};
  const Json all = figures_json(evaluation.all);
  json["frame"] = all["frame"];
  json["video"] = all["video"];
  json["methods"] = Json::object();
  for (const auto& [method, figures] : evaluation.methods) json["methods"][method] = figures_json(figures);
  return json;
}

std::string auc_text(const MetricValue& auc) {
  return auc.interval
             ? fmt::format("{:.4f} [{:.4f}, {:.4f}]", auc.interval->value, auc.interval->low, auc.interval->high)
             : fmt::format("undefined ({})", auc.undefined);
}

void print_row(std::ostream& out, const std::string& name, const Figures& figures) {
  out << fmt::format("{:<24}{:>7}{:>7}  {:<28}{}\n", name, figures.frame.reals, figures.frame.fakes,
                     auc_text(figures.frame.of(Metric::auc)), auc_text(figures.video.of(Metric::auc)));
}

void print_text(std::ostream& out, const Evaluated& evaluated, const EvaluateOptions& options) {
  const Evaluation& evaluation = evaluated.evaluation;
  out << fmt::format("{}, role {}: {} crops, {} without a label, {} not scored; coverage {:.4f}\n",
                     fmt::join(options.data, ", "), options.role, evaluation.all.coverage.crops.inputs(),
                     unlabelled(evaluation), evaluation.all.coverage.crops.unscored(),
                     evaluation.all.coverage.share_crops());
  out << fmt::format("{:<24}{:>7}{:>7}  {:<28}{}\n", "fakes", "reals", "fakes", "frame AUC [95 %]", "video AUC [95 %]");
  print_row(out, "all", evaluation.all);
  for (const auto& [method, figures] : evaluation.methods) print_row(out, method, figures);
  out << fmt::format(
      "intervals: {} bootstrap rounds over videos, stratified by class, seed {}; a still picture is a video of its "
      "own\n",
      evaluation.options.bootstrap.rounds, evaluation.options.bootstrap.seed);
  if (options.force_crop)
    out << "note: --force-crop: the crops may have been made by another recipe than the model's\n";
}

Result<Evaluated> evaluate(const EvaluateOptions& options, const CommandContext& context) {
  Evaluated evaluated;
  DFA_ASSIGN_OR_RETURN(const Role role, role_by_name(options.role));
  DFA_ASSIGN_OR_RETURN(evaluated.precision, resolve_engine(context.options.engine));
  DFA_ASSIGN_OR_RETURN(evaluated.model, load_selected_model(context.options));
  ScoreCropsOptions scoring;
  scoring.network.precision = evaluated.precision;
  scoring.network.threads = context.options.threads;
  scoring.network.max_batch = kBatch;
  scoring.network.trace = context.trace;
  scoring.recipe = options.force_crop ? RecipeCheck::skip : RecipeCheck::enforce;
  if (context.err_terminal == Terminal::yes && context.options.talk != Talk::quiet)
    scoring.progress = [&](std::size_t done, std::size_t of) {
      if (done % kBatch == 0 || done == of)
        context.err << fmt::format("\r{}/{} crops{}", done, of, done == of ? "\n" : "") << std::flush;
    };
  for (const std::string& manifest : options.data) {
    DFA_ASSIGN_OR_RETURN(std::vector<CropScore> scores,
                         score_crops(evaluated.model, manifest, role, scoring, *context.cancel));
    evaluated.scores.insert(evaluated.scores.end(), std::make_move_iterator(scores.begin()),
                            std::make_move_iterator(scores.end()));
  }
  if (evaluated.scores.empty())
    return fail(ErrorCode::manifest_invalid, "{}: no crop has role {}", fmt::join(options.data, ", "), options.role);
  EvaluationOptions evaluation;
  evaluation.bootstrap.rounds = options.bootstrap_rounds;
  evaluation.bootstrap.seed = static_cast<std::uint64_t>(options.seed);
  DFA_ASSIGN_OR_RETURN(const ScoreTable table, score_table_of(evaluated.scores));
  DFA_ASSIGN_OR_RETURN(evaluated.evaluation, evaluate_scores(table, evaluation));
  return evaluated;
}

ExitStatus status_of(const Evaluation& evaluation) {
  const OutcomeCounts& crops = evaluation.all.coverage.crops;
  if (crops.scored() == 0) return ExitStatus::no_input;
  return crops.unscored() > 0 ? ExitStatus::some_failed : ExitStatus::success;
}

void run_command(const EvaluateOptions& options, CommandContext& context) {
  const Result<Evaluated> evaluated = evaluate(options, context);
  if (!evaluated) return context.fail_with(evaluated.error());
  for (const CropScore& score : evaluated->scores)
    if (!score.problem.empty())
      log_to(*context.log, LogLevel::warning, "{}: not scored: {}", score.path, score.problem);
  if (!options.scores.empty())
    if (const Status written = write_file_atomically(options.scores, scores_csv(evaluated->scores)); !written)
      return context.fail_with(written.error());
  if (context.options.format == "json")
    context.out << to_json(*evaluated, options).dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
  else
    print_text(context.out, *evaluated, options);
  context.finish(status_of(evaluated->evaluation));
}

}  // namespace

void add_evaluate_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Scores the crops of a manifest and prints AUC with 95 % intervals");
  command->add_option("--data", options->data, "Manifest (version 1), one or more")->required();
  command->add_option("--role", options->role, "Crops of this role: train, val, calibration or test")
      ->capture_default_str();
  command->add_option("--scores", options->scores, "Write a CSV: path,label,p_fake,method,video");
  add_integer(*command, "--bootstrap", options->bootstrap_rounds, "Rounds of the bootstrap", 1, kMostRounds)
      ->capture_default_str();
  add_integer(*command, "--seed", options->seed, "Seed of the bootstrap", 0)->capture_default_str();
  command->add_flag("--force-crop", options->force_crop,
                    "Score crops that were made by another recipe than the model's");
  add_model_option(*command, context);
  add_engine_option(*command, context);
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
