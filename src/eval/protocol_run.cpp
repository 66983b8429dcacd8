#include "eval/protocol_run.hpp"

#include <algorithm>

#include "eval/protocol_average.hpp"

namespace dfa {
namespace {

constexpr std::string_view kNoScores = "nothing was scored for it";

const CellScores* scores_of(const std::vector<CellScores>& scores, const CellName& cell) {
  const auto at = std::find_if(scores.begin(), scores.end(), [&](const CellScores& one) { return one.cell == cell; });
  return at == scores.end() ? nullptr : &*at;
}

Result<CellResult> run_cell(const CellName& cell, const CellScores* scores, const EvaluationOptions& options) {
  CellResult result;
  result.cell = cell;
  if (scores == nullptr || !scores->gap.empty() || scores->scores.size() == 0) {
    result.gap = scores == nullptr || scores->gap.empty() ? std::string(kNoScores) : scores->gap;
    return result;
  }
  EvaluationOptions of_cell = options;
  of_cell.dropped = scores->dropped;
  const auto evaluation = evaluate_scores(scores->scores, of_cell);
  if (!evaluation) return fail_within(cell_title(cell), evaluation.error());
  const OutcomeCounts& crops = evaluation->all.coverage.crops;
  if (crops.scored() == 0) {
    result.gap = fmt::format("none of its {} crops has a score", crops.inputs());
    return result;
  }
  result.figures = evaluation->all;
  result.notes = scores->notes;
  return result;
}

// The cells of an average that stand in its way; empty if all have the figure.
std::string missing_cells(const ProtocolResult& result, const ProtocolAverage& average, ScoreLevel level,
                          Metric metric) {
  std::string missing;
  for (const CellName& name : average.cells)
    if (!result.cell(name).value(level, metric).interval)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", cell_title(name));
  return missing;
}

AverageResult run_average(const ProtocolResult& result, const ProtocolAverage& average,
                          const std::vector<CellScores>& scores, CellAverager& averager) {
  std::vector<AveragedCell> cells;
  for (const CellName& name : average.cells)
    cells.push_back({scores_of(scores, name), &result.protocol.test_named(name.test)});
  AverageResult one;
  one.average = average.name;
  for (const ScoreLevel level : result.protocol.levels)
    for (const Metric metric : result.protocol.metrics) {
      MetricValue& value = one.values[{level, metric}];
      if (const std::string missing = missing_cells(result, average, level, metric); !missing.empty())
        value.undefined = "without " + missing;
      else
        value.interval = averager.mean(cells, level, metric);
    }
  return one;
}

}  // namespace

MetricValue CellResult::value(ScoreLevel level, Metric metric) const {
  if (!gap.empty()) return {.interval = {}, .undefined = "not run: " + gap, .caution = {}};
  return (level == ScoreLevel::frame ? figures.frame : figures.video).of(metric);
}

std::size_t ProtocolResult::cells_run() const {
  return static_cast<std::size_t>(
      std::count_if(cells.begin(), cells.end(), [](const CellResult& cell) { return cell.gap.empty(); }));
}

const CellResult& ProtocolResult::cell(const CellName& name) const {
  return *std::find_if(cells.begin(), cells.end(), [&](const CellResult& one) { return one.cell == name; });
}

Result<ProtocolResult> run_protocol(Protocol protocol, const std::vector<CellScores>& scores,
                                    const EvaluationOptions& options) {
  ProtocolResult result;
  result.protocol = std::move(protocol);
  result.options = options;
  EvaluationOptions wanted = options;
  wanted.metrics = result.protocol.metrics;
  for (const CellName& cell : result.protocol.cells) {
    DFA_ASSIGN_OR_RETURN(CellResult one, run_cell(cell, scores_of(scores, cell), wanted));
    result.cells.push_back(std::move(one));
  }
  CellAverager averager(result.options);
  for (const ProtocolAverage& average : result.protocol.averages)
    result.averages.push_back(run_average(result, average, scores, averager));
  return result;
}

}  // namespace dfa
