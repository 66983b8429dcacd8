#include "report/protocol_json.hpp"

#include <nlohmann/json.hpp>

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

Json value_json(const MetricValue& value) {
  if (value.interval)
    return {{"value", value.interval->value}, {"low", value.interval->low}, {"high", value.interval->high}};
  return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"undefined", value.undefined}};
}

Json ours_json(const Protocol& protocol, const CellResult& cell) {
  Json ours = Json::object();
  for (const ScoreLevel level : protocol.levels) {
    Json& at = ours[std::string(score_level_name(level))];
    const LevelFigures& figures = level == ScoreLevel::frame ? cell.figures.frame : cell.figures.video;
    if (cell.gap.empty()) at = {{"reals", figures.reals}, {"fakes", figures.fakes}};
    for (const Metric metric : protocol.metrics)
      at[std::string(metric_info(metric).name)] = value_json(cell.value(level, metric));
  }
  return ours;
}

Json figure_json(const PublishedRow& row, const PublishedFigure& figure) {
  Json json = {{"method", row.method},
               {"grade", grade_name(figure.grade.value_or(row.grade))},
               {"level", score_level_name(row.level)},
               {"metric", metric_info(row.metric).name},
               {"percent", figure.value}};
  if (figure.to) json["percent_to"] = *figure.to;
  if (figure.deviation) json["deviation"] = *figure.deviation;
  json["inferred"] = row.inferred;
  if (!row.source.empty()) json["source"] = row.source;
  if (!row.note.empty()) json["method_note"] = row.note;
  if (!figure.note.empty()) json["note"] = figure.note;
  return json;
}

Json cell_json(const Protocol& protocol, const CellResult& cell) {
  Json json = {{"row", cell.cell.row}, {"test", cell.cell.test}};
  json["gap"] = cell.gap.empty() ? Json(nullptr) : Json(cell.gap);
  json["notes"] = cell.notes;
  json["ours"] = ours_json(protocol, cell);
  json["published"] = Json::array();
  for (const PublishedRow& row : protocol.published)
    if (const auto at = row.cells.find(cell.cell); at != row.cells.end())
      json["published"].push_back(figure_json(row, at->second));
  return json;
}

Json average_json(const ProtocolResult& result, const AverageResult& average) {
  Json ours = Json::object();
  for (const auto& [key, value] : average.values)
    ours[std::string(score_level_name(key.first))][std::string(metric_info(key.second).name)] = value_json(value);
  Json json = {{"name", average.average}, {"ours", ours}, {"published", Json::array()}};
  for (const PublishedRow& row : result.protocol.published)
    if (const auto at = row.averages.find(average.average); at != row.averages.end())
      json["published"].push_back(figure_json(row, at->second));
  return json;
}

}  // namespace

std::string protocol_json(const ProtocolReport& report) {
  const ProtocolResult& result = report.result;
  const Protocol& protocol = result.protocol;
  Json json = {
      {"schema", kProtocolSchema},
      {"tool", {{"version", report.tool.version}, {"build", report.tool.build}}},
      {"protocol",
       {{"name", protocol.name},
        {"title", protocol.title},
        {"source", protocol.source},
        {"about", protocol.about},
        {"differences", protocol.differences}}},
      {"data", report.data},
      {"stamps", report.stamps},
      {"bootstrap",
       {{"rounds", result.options.bootstrap.rounds}, {"seed", result.options.bootstrap.seed}, {"interval", 0.95}}}};
  if (!report.precision.empty()) json["engine"] = {{"precision", report.precision}};
  json["rows"] = Json::array();
  for (const RowSource& source : result.sources)
    json["rows"].push_back(
        {{"row", source.row}, {"source", source.words}, {"card", Json::parse(protocol_card_json(source.card))}});
  json["summary"] = {{"cells", result.cells.size()}, {"run", result.cells_run()}};
  json["cells"] = Json::array();
  for (const CellResult& cell : result.cells) json["cells"].push_back(cell_json(protocol, cell));
  json["averages"] = Json::array();
  for (const AverageResult& average : result.averages) json["averages"].push_back(average_json(result, average));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace dfa
