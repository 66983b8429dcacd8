#include "cli/commands/calibrate.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <memory>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cli/commands/calibrate_write.hpp"
#include "cli/commands/crop_scoring.hpp"
#include "cli/options.hpp"
#include "eval/calibrate.hpp"
#include "eval/score_crops.hpp"
#include "eval/score_csv.hpp"
#include "eval/walls.hpp"

namespace dfa::cli {
namespace {

constexpr double kLeastAbstainError = 0.01, kMostAbstainError = 0.5;

struct CalibrateCommand {
  std::string on;    // --on: manifest
  std::string from;  // --from: CSV of scores with margins
  std::string role = "calibration";
  std::string out;
  std::string name;  // --name: of the set
  std::string date;  // --date
  double abstain_error = CalibrateOptions{}.abstain_error.value();
  bool no_abstain = false;
  bool isotonic = false;
  bool i_know = false;
  bool force_crop = false;

  const std::string& source() const { return on.empty() ? from : on; }
};

// What makes figures of this role doubtful; nothing for the role that exists for them.
std::optional<std::string> role_objection(Role role) {
  switch (role) {
    case Role::calibration:
      return std::nullopt;
    case Role::test:
      return "calibrated on role test: no figure on that test set is independent of the thresholds any more";
    case Role::train:
      return "calibrated on role train, on which the model was trained: its error rates are too low";
    case Role::val:
      return "calibrated on role val, on which the model was selected: its error rates are too low";
  }
  return std::nullopt;
}

// What speaks against calibrating `model` on these crops: their role, and videos or identities that serve another role
// in the same manifest. Errors: those of reading the manifest.
Result<std::vector<std::string>> objections(const CalibrateCommand& command, Role role, const Model& model) {
  std::vector<std::string> found;
  if (const auto objection = role_objection(role)) found.push_back(*objection);
  if (command.on.empty()) return found;
  DFA_ASSIGN_OR_RETURN(const NamedManifest manifest, read_named_manifest(command.on));
  const auto shared = role_breaches(training_facts(model), std::span(&manifest, 1));
  found.insert(found.end(), shared.begin(), shared.end());
  return found;
}

// The stamps of the run. Errors: manifest_invalid for crops that calibrate only with --i-know.
Result<std::vector<std::string>> stamps_of(const CalibrateCommand& command, Role role, const Model& model) {
  DFA_ASSIGN_OR_RETURN(std::vector<std::string> stamps, objections(command, role, model));
  if (!stamps.empty() && !command.i_know)
    return fail(
        ErrorCode::manifest_invalid,
        "{}\n  next step: give a set of role calibration that shares nothing with the other roles, or --i-know, "
        "which stamps the model file and every output made with it",
        fmt::join(stamps, "\n"));
  for (std::string& stamp : stamps) stamp += " (--i-know)";
  if (command.force_crop) stamps.push_back("calibrated with --force-crop, on crops of another recipe than the model's");
  if (command.on.empty())
    stamps.push_back("calibrated on scores from a file: that they are this model's, and their role, was not checked");
  return stamps;
}

Status check_options(const CalibrateCommand& command, const CommandContext& context) {
  if (command.on.empty() == command.from.empty())
    return fail(ErrorCode::usage, "expected --on MANIFEST or --from SCORES.csv, and not both");
  if (!command.date.empty() && !std::regex_match(command.date, std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}")))
    return fail(ErrorCode::usage, "--date {}: expected YYYY-MM-DD", command.date);
  std::error_code unknown;
  if (!context.options.model.empty() && std::filesystem::equivalent(command.out, context.options.model, unknown))
    return fail(ErrorCode::usage, "--out {} is the model itself, expected the name of a new file", command.out);
  return {};
}

std::string today() {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
}

Result<ScoreTable> gather(const CalibrateCommand& command, const Model& model, Role role,
                          const CommandContext& context) {
  ScoreTable table;
  if (command.on.empty()) {
    DFA_TRY(read_scores_file(command.from, {}, table));
  } else {
    DFA_ASSIGN_OR_RETURN(const Precision precision, resolve_engine(context.options.engine, model));
    DFA_ASSIGN_OR_RETURN(
        const std::vector<CropScore> scores,
        score_crops(model, command.on, role,
                    crop_scoring(context, precision, command.force_crop ? RecipeCheck::skip : RecipeCheck::enforce),
                    *context.cancel));
    for (const CropScore& score : scores)
      if (!score.problem.empty())
        log_to(*context.log, LogLevel::warning, "{}: not scored: {}", score.path, score.problem);
    DFA_TRY(add_scores(table, scores));
  }
  if (table.size() == 0)
    return fail(ErrorCode::manifest_invalid,
                "{}: no crop has role {}\n  next step: give that role to crops that neither trained, selected nor test "
                "the model",
                command.source(), role_name(role));
  return table;
}

// The names of the sets in the scores; without any, the file's name.
std::string set_name(const CalibrateCommand& command, const ScoreTable& table) {
  if (!command.name.empty()) return command.name;
  std::set<std::string> names;
  for (std::size_t i = 0; i < table.size(); ++i)
    if (const ScoreRow row = table.row(i); row.label && !row.set.empty()) names.emplace(row.set);
  if (names.empty()) return std::filesystem::path(command.source()).stem().string();
  return fmt::format("{}", fmt::join(names, " + "));
}

void count_rows(const ScoreTable& table, CalibrateReport& report) {
  report.crops = table.size();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    if (!row.label) ++report.unlabelled;
    if (!row.p_fake) ++report.unscored;
  }
}

// Calibrates `model` and writes it.
Result<CalibrateReport> run_calibration(const CalibrateCommand& command, Model& model, const CommandContext& context) {
  DFA_TRY(check_options(command, context));
  DFA_ASSIGN_OR_RETURN(const Role role, role_by_name(command.role));
  DFA_ASSIGN_OR_RETURN(model, load_selected_model(context.options));
  DFA_ASSIGN_OR_RETURN(std::vector<std::string> stamps, stamps_of(command, role, model));
  CalibrateReport report;
  report.source = command.source();
  report.model_name = model.name;
  report.model_sha256 = model.sha256;
  DFA_ASSIGN_OR_RETURN(const ScoreTable table, gather(command, model, role, context));
  count_rows(table, report);
  DFA_ASSIGN_OR_RETURN(const CalibrationSample sample, calibration_sample(table));
  CalibrateOptions options;
  options.map = command.isotonic ? EvidenceMap::isotonic : EvidenceMap::logistic;
  options.abstain_error = command.no_abstain ? std::nullopt : std::optional(command.abstain_error);
  DFA_ASSIGN_OR_RETURN(report.outcome, calibrate(sample, options));
  Calibration& calibration = report.outcome.calibration;
  calibration.set = set_name(command, table);
  calibration.role = command.role;
  calibration.stamps = std::move(stamps);
  calibration.date = command.date.empty() ? today() : command.date;
  DFA_ASSIGN_OR_RETURN(calibration.manifest_sha256, sha256_file(command.source()));
  model.calibration = calibration;
  report.written = command.out;
  DFA_ASSIGN_OR_RETURN(report.written_sha256, write_calibrated(model, command.out));
  return report;
}

void run_command(const CalibrateCommand& command, CommandContext& context) {
  Model model;
  const Result<CalibrateReport> report = run_calibration(command, model, context);
  if (!report) return context.fail_with(report.error());
  context.out << (context.options.format == "json" ? calibrate_json(*report, model) : calibrate_text(*report));
  context.finish(report->unscored > 0 ? ExitStatus::some_failed : ExitStatus::success);
}

}  // namespace

void add_calibrate_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<CalibrateCommand>();
  CLI::App* command = app.add_subcommand(
      "calibrate", "Fits temperature, thresholds and likelihood ratios on a calibration set; writes a new model file");
  command->add_option("--on", options->on, "Manifest (version 1) with crops of role calibration");
  CLI::Option* from =
      command->add_option("--from", options->from, "In its place: CSV of this model's scores with the column margin");
  command->add_option("--out", options->out, "The new model file")->required();
  command->add_option("--role", options->role, "Crops of this role; any but calibration only with --i-know")
      ->capture_default_str();
  command->add_flag("--i-know", options->i_know,
                    "Calibrate on data that trained, selected or tests the model; every output is stamped so");
  command->add_flag("--isotonic", options->isotonic,
                    "Likelihood ratios by an isotonic map instead of a logistic one; p_fake stays as it is");
  CLI::Option* error = add_number(*command, "--abstain-error", options->abstain_error,
                                  "Verdicts that err more often than this at even odds become inconclusive",
                                  kLeastAbstainError, kMostAbstainError);
  error->capture_default_str();
  command->add_flag("--no-abstain", options->no_abstain, "No such band: a verdict for every score")->excludes(error);
  command->add_option("--name", options->name, "Name of the set in the model file (default: the manifest's sets)");
  command->add_option("--date", options->date, "Date in the model file, YYYY-MM-DD (default: today, UTC)");
  command
      ->add_flag("--force-crop", options->force_crop, "Score crops that were made by another recipe than the model's")
      ->excludes(from);
  add_model_option(*command, context);
  add_engine_option(*command, context);
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
