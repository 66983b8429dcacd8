// The cells of a protocol as far as there are models and data, and why the others are gaps. What others published stays
// in the protocol and never comes into a cell.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/evaluation.hpp"
#include "eval/protocol.hpp"
#include "eval/protocol_card.hpp"
#include "eval/score_table.hpp"

namespace dfa {

// What came of a cell's crops: their scores, or why there are none.
struct CellScores {
  CellName cell;
  ScoreTable scores;
  std::string gap;                 // why the cell was not run; empty when it was
  std::vector<std::string> notes;  // on its crops
  DroppedInputs dropped = DroppedInputs::counted;
};

struct CellResult {
  CellName cell;
  std::string gap;  // why there are no figures; empty when there are
  Figures figures;  // of no meaning in a gap
  std::vector<std::string> notes;

  // The figure, or the gap as the reason why there is none.
  MetricValue value(ScoreLevel level, Metric metric) const;
};

struct AverageResult {
  std::string average;                                          // its name
  std::map<std::pair<ScoreLevel, Metric>, MetricValue> values;  // for every level and metric of the protocol
};

// A model, or a file of scores, that stands for a row.
struct RowSource {
  std::string row;
  std::string words;  // "m.dfa (sha256 ...)", "scores.csv"
  ProtocolCard card;
};

struct ProtocolResult {
  Protocol protocol;
  std::vector<RowSource> sources;
  std::vector<CellResult> cells;  // as Protocol::cells
  std::vector<AverageResult> averages;
  EvaluationOptions options;

  std::size_t cells_run() const;
  const CellResult& cell(const CellName& name) const;  // requires it to be one of the protocol's
};

// Figures of every cell that has scores, and plain means of point values over the cells of an average where all of them
// are there, with intervals that draw shared videos alike. `scores` has one entry a cell at most; a cell without one is
// a gap. Errors: those of evaluate_scores(), with the cell.
Result<ProtocolResult> run_protocol(Protocol protocol, const std::vector<CellScores>& scores,
                                    const EvaluationOptions& options);

}  // namespace dfa
