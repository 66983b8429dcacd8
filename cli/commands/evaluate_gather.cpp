#include "cli/commands/evaluate_gather.hpp"

#include <fmt/format.h>

#include "cli/commands/crop_scoring.hpp"
#include "cli/options.hpp"
#include "dataset/layouts/words.hpp"
#include "eval/card_facts.hpp"
#include "eval/score_csv.hpp"
#include "eval/walls.hpp"

namespace dfa::cli {
namespace {

constexpr std::string_view kStandardInput = "-";

// What --data names, read once.
struct CropsSetting {
  Role role = Role::test;
  std::vector<TestedData> tested;
};

Result<std::vector<NamedManifest>> read_manifests(const std::vector<std::string>& paths) {
  std::vector<NamedManifest> manifests;
  for (const std::string& path : paths) {
    DFA_ASSIGN_OR_RETURN(NamedManifest named, read_named_manifest(path));
    manifests.push_back(std::move(named));
  }
  return manifests;
}

// Nothing of the given manifests may have made the model, and none may serve two roles.
Status raise_walls(EvaluateRun& run, std::span<const NamedManifest> tested, Role role) {
  const TrainingFacts facts = run.model ? training_facts(*run.model) : TrainingFacts{};
  DFA_ASSIGN_OR_RETURN(const std::vector<NamedManifest> made_on, read_manifests(run.options.trained_on));
  std::vector<NamedManifest> all(tested.begin(), tested.end());
  all.insert(all.end(), made_on.begin(), made_on.end());
  std::vector<std::string> breaches = selection_breaches(facts, tested, role, made_on);
  for (auto& more : {sharing_breaches(facts, tested, role, made_on), role_breaches(facts, all)})
    breaches.insert(breaches.end(), more.begin(), more.end());
  for (const std::string& stamp : role_stamps(facts, role)) run.report.card.stamp(stamp);
  return raise_wall(breaches, run.options.i_know, run.report.card);
}

Result<CropsSetting> read_setting(EvaluateRun& run, CommandContext& context) {
  CropsSetting setting;
  DFA_ASSIGN_OR_RETURN(setting.role, role_by_name(run.options.role));
  DFA_ASSIGN_OR_RETURN(run.model, load_selected_model(context.options));
  DFA_ASSIGN_OR_RETURN(run.precision, resolve_engine(context.options.engine, *run.model));
  DFA_ASSIGN_OR_RETURN(std::vector<NamedManifest> manifests, read_manifests(run.options.data));
  DFA_TRY(raise_walls(run, manifests, setting.role));
  bool counted = true;
  for (NamedManifest& named : manifests) {
    DFA_ASSIGN_OR_RETURN(std::optional<PreparedData> prepared, read_prepared_data(named.name));
    counted = counted && prepared && !drops_without_trace(*prepared);
    setting.tested.push_back({std::move(named), std::move(prepared)});
  }
  run.options.evaluation.dropped = counted ? DroppedInputs::counted : DroppedInputs::unknown;

  EvaluationReport& report = run.report;
  report.model_name = run.model->name;
  report.model_sha256 = run.model->sha256;
  report.precision = precision_name(run.precision);
  report.sources = run.options.data;
  report.role = run.options.role;
  describe_data(report.card, setting.tested, setting.role);
  describe_model(report.card, *run.model);
  report.card.set("scores_by", fmt::format("{}, engine {}", report.model_name, report.precision));
  for (const TestedData& data : setting.tested)
    if (const std::string other = manifest_recipe_difference(data.named.manifest, run.model->crop);
        !other.empty() && run.options.recipe == RecipeCheck::skip)
      report.card.stamp(fmt::format("--force-crop: crops of another recipe than the model's ({})", other));
  return setting;
}

// Items of the data set that never became crops.
Status add_missing(const TestedData& data, Role role, ScoreTable& table) {
  if (!data.prepared) return {};
  const std::filesystem::path root = manifest_root(data.named.manifest, data.named.name);
  for (const MissingInput& missing : data.prepared->missing) {
    if (missing.role != role) continue;
    const std::string video = normal_path((root / missing.path).lexically_normal().generic_string());
    DFA_TRY(table.add(row_of(missing, video)));
  }
  return {};
}

// Every crop of the role, and the items that never became one.
Status score_tested(const EvaluateRun& run, std::span<const TestedData> tested, Role role, CommandContext& context,
                    ScoreTable& table) {
  const ScoreCropsOptions scoring = crop_scoring(context, run.precision, run.options.recipe);
  for (const TestedData& data : tested) {
    DFA_ASSIGN_OR_RETURN(const std::vector<CropScore> scores,
                         score_crops(*run.model, data.named.name, role, scoring, *context.cancel));
    for (const CropScore& score : scores)
      if (!score.problem.empty())
        log_to(*context.log, LogLevel::warning, "{}: not scored: {}", score.path, score.problem);
    DFA_TRY(add_scores(table, scores));
    DFA_TRY(add_missing(data, role, table));
  }
  return {};
}

Status score_data(EvaluateRun& run, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const CropsSetting setting, read_setting(run, context));
  DFA_TRY(score_tested(run, setting.tested, setting.role, context, run.scores));
  if (run.scores.size() > 0) return {};
  return fail(ErrorCode::manifest_invalid, "{}: no crop has role {}", fmt::join(run.options.data, ", "),
              run.options.role);
}

// The rows of a file as a manifest would name them, for the walls.
NamedManifest as_manifest(const ScoreTable& table) {
  NamedManifest named{"the files of --from", {}, {}};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    ManifestEntry entry;
    entry.path = row.path;
    entry.role = Role::test;
    entry.set = row.set;
    entry.identity = row.identity;
    entry.video = std::string(row.video);
    named.manifest.entries.push_back(std::move(entry));
  }
  return named;
}

Result<ScoreCsvReading> read_source(const std::string& source, const EvaluateOptions& options, ScoreTable& table,
                                    CommandContext& context) {
  ScoreCsvOptions csv;
  csv.scale = options.scale;
  if (options.from.size() > 1) csv.set = std::filesystem::path(source).stem().string();
  if (source == kStandardInput) return read_scores_csv(context.in, "standard input", csv, table);
  return read_scores_file(source, csv, table);
}

Status read_files(EvaluateRun& run, CommandContext& context) {
  EvaluationReport& report = run.report;
  bool counted = true;
  for (const std::string& source : run.options.from) {
    DFA_ASSIGN_OR_RETURN(const ScoreCsvReading reading, read_source(source, run.options, run.scores, context));
    for (const std::string& note : reading.notes) report.notes.push_back(fmt::format("{}: {}", source, note));
    counted = counted && reading.dropped == DroppedInputs::counted;
  }
  if (run.scores.size() == 0)
    return fail(ErrorCode::manifest_invalid, "{}: no scores below the header", fmt::join(run.options.from, ", "));
  run.options.evaluation.dropped = counted ? DroppedInputs::counted : DroppedInputs::unknown;
  report.sources = run.options.from;
  std::string sets;
  for (std::uint32_t i = 0; i < run.scores.set_count(); ++i)
    sets += fmt::format("{}{}", sets.empty() ? "" : "; ", run.scores.set_name(i));
  report.card.set("dataset", sets);
  report.card.set("scores_by",
                  fmt::format("another program: {}{}", fmt::join(report.sources, ", "),
                              run.options.scale == ScoreScale::logit ? ", logits through the sigmoid" : ""));
  if (run.options.trained_on.empty()) return {};
  const NamedManifest tested = as_manifest(run.scores);
  return raise_walls(run, std::span(&tested, 1), Role::test);
}

}  // namespace

Status gather_scores(EvaluateRun& run, CommandContext& context) {
  run.report.card = blank_protocol_card();
  if (run.options.data.empty() == run.options.from.empty())
    return fail(ErrorCode::usage, "dfa evaluate needs either --data MANIFEST or --from FILE.csv");
  if (context.options.models.size() > 1)
    return fail(ErrorCode::usage, "{} models were given, expected one; several go with --protocol",
                context.options.models.size());
  return run.options.from.empty() ? score_data(run, context) : read_files(run, context);
}

Result<ScoreTable> gather_more(EvaluateRun& run, const std::vector<std::string>& data, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const Role role, role_by_name(run.options.role));
  DFA_ASSIGN_OR_RETURN(std::vector<NamedManifest> manifests, read_manifests(data));
  DFA_TRY(raise_walls(run, manifests, role));
  std::vector<TestedData> tested;
  for (NamedManifest& named : manifests) {
    DFA_ASSIGN_OR_RETURN(std::optional<PreparedData> prepared, read_prepared_data(named.name));
    tested.push_back({std::move(named), std::move(prepared)});
  }
  ScoreTable table;
  DFA_TRY(score_tested(run, tested, role, context, table));
  if (table.size() > 0) return table;
  return fail(ErrorCode::manifest_invalid, "{}: no crop has role {}", fmt::join(data, ", "), run.options.role);
}

}  // namespace dfa::cli
