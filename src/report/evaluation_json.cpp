// dfa.evaluation/1 (docs/evaluation.schema.json).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/evaluation_forms.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

constexpr Outcome kOutcomes[] = {Outcome::scored, Outcome::no_face, Outcome::low_quality, Outcome::decode_error,
                                 Outcome::abstained};

Json value_json(const MetricValue& value) {
  if (value.interval)
    return {{"value", value.interval->value}, {"low", value.interval->low}, {"high", value.interval->high}};
  return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"undefined", value.undefined}};
}

Json values_json(const std::vector<MetricValue>& values) {
  Json json = Json::object();
  for (const MetricInfo& info : metric_registry())
    if (static_cast<std::size_t>(info.id) < values.size())
      json[std::string(info.name)] = value_json(values[static_cast<std::size_t>(info.id)]);
  return json;
}

Json level_json(const LevelFigures& figures) {
  Json json = values_json(figures.values);
  json["reals"] = figures.reals;
  json["fakes"] = figures.fakes;
  return json;
}

template <class Counts>
Json outcomes_json(const OutcomeCounts& all, const Counts& counts) {
  Json json = Json::object();
  for (const Outcome outcome : kOutcomes) json[std::string(outcome_name(outcome))] = all.of(counts, outcome);
  return json;
}

// share: null where inputs were dropped without a trace.
Json counts_json(const OutcomeCounts& counts, double share, bool known) {
  return {{"inputs", counts.inputs()},
          {"scored", counts.scored()},
          {"share", known ? Json(share) : Json(nullptr)},
          {"reals", outcomes_json(counts, counts.reals)},
          {"fakes", outcomes_json(counts, counts.fakes)},
          {"unlabelled", outcomes_json(counts, counts.unlabelled)}};
}

Json coverage_json(const Coverage& coverage) {
  return {{"known", coverage.known},
          {"videos", counts_json(coverage.videos, coverage.share(), coverage.known)},
          {"crops", counts_json(coverage.crops, coverage.share_crops(), coverage.known)}};
}

Json figures_json(const Figures& figures) {
  return {{"frame", level_json(figures.frame)},
          {"video", level_json(figures.video)},
          {"coverage", coverage_json(figures.coverage)}};
}

Json groups_json(const std::map<std::string, Figures>& groups) {
  Json json = Json::object();
  for (const auto& [name, figures] : groups) json[name] = figures_json(figures);
  return json;
}

Json average_json(const AverageFigures& average) {
  return {{"groups", average.groups}, {"frame", values_json(average.frame)}, {"video", values_json(average.video)}};
}

Json cell_json(const ReportCell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return *whole;
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  return value_json(std::get<MetricValue>(cell));
}

Json table_json(const ReportTable& table) {
  Json rows = Json::array();
  for (const std::vector<ReportCell>& row : table.rows) {
    Json json = Json::object();
    for (std::size_t i = 0; i < row.size() && i < table.columns.size(); ++i) json[table.columns[i]] = cell_json(row[i]);
    rows.push_back(std::move(json));
  }
  return {{"title", table.title}, {"rows", rows}, {"notes", table.notes}};
}

Json data_json(const EvaluationReport& report) {
  const Coverage& coverage = report.evaluation.all.coverage;
  std::size_t unlabelled = 0;
  for (const std::size_t count : coverage.crops.unlabelled) unlabelled += count;
  const auto& stamps = report.card.stamps;
  const bool forced = std::any_of(stamps.begin(), stamps.end(),
                                  [](const std::string& stamp) { return stamp.starts_with("--force-crop"); });
  // Crops have a role, other programs' scores have none.
  const bool from_files = report.role.empty();
  return {{"manifests", from_files ? std::vector<std::string>() : report.sources},
          {"score_files", from_files ? report.sources : std::vector<std::string>()},
          {"role", report.role.empty() ? Json(nullptr) : Json(report.role)},
          {"crops", coverage.crops.inputs()},
          {"unlabelled", unlabelled},
          {"unscored", coverage.crops.unscored()},
          {"coverage", coverage.known ? Json(coverage.share()) : Json(nullptr)},
          {"recipe_forced", forced}};
}

Json bootstrap_json(const EvaluationOptions& options) {
  return {{"rounds", options.bootstrap.rounds},
          {"seed", options.bootstrap.seed},
          {"method", interval_method_name(options.bootstrap.method)},
          {"over", "videos, stratified by class"},
          {"interval", 0.95}};
}

Json rules_json(const EvaluationOptions& options) {
  return {{"aggregation", aggregation_name(options.video)},
          {"no_face", no_face_rule_name(options.no_face)},
          {"min_frames_per_video", options.min_frames_per_video},
          {"threshold", options.threshold}};
}

}  // namespace

std::string evaluation_as_json(const EvaluationReport& report) {
  const Evaluation& evaluation = report.evaluation;
  Json json = {{"schema", kEvaluationSchema},
               {"tool", {{"version", report.tool.version}, {"build", report.tool.build}}},
               {"stamps", report.card.stamps},
               {"model", nullptr},
               {"engine", nullptr},
               {"data", data_json(report)},
               {"bootstrap", bootstrap_json(evaluation.options)},
               {"rules", rules_json(evaluation.options)}};
  if (!report.model_name.empty() || !report.model_sha256.empty())
    json["model"] = {{"name", report.model_name}, {"sha256", report.model_sha256}};
  if (!report.precision.empty()) json["engine"] = {{"precision", report.precision}};
  json.update(figures_json(evaluation.all));
  json["sets"] = groups_json(evaluation.sets);
  json["methods"] = groups_json(evaluation.methods);
  json["averages"] = {{"sets", average_json(evaluation.over_sets)}, {"methods", average_json(evaluation.over_methods)}};
  json["tables"] = Json::object();
  for (const ReportTable& table : report.tables) json["tables"][table.key] = table_json(table);
  json["notes"] = report.notes;
  json["card"] = Json::parse(protocol_card_json(report.card)).at("items");
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dfa
