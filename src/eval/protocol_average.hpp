// Plain means over cells of a protocol, with intervals. Private to the room.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/bootstrap.hpp"
#include "eval/protocol_run.hpp"

namespace dfa {

// A cell's table as the average sees it.
struct AveragedCell {
  const CellScores* scores = nullptr;
  const ProtocolTest* test = nullptr;
};

// Cells are resampled together: parts of tests that come from the same selection of a data set are drawn alike, so that
// cells which share their real videos, or two models on one test, move together as they do in truth. (Where one model
// could not score a video of the other, the two draws part.)
class CellAverager {
 public:
  explicit CellAverager(const EvaluationOptions& options) : options_(options) {}

  // Requires figures of every cell to be defined at this level for this metric.
  Interval mean(std::span<const AveragedCell> cells, ScoreLevel level, Metric metric);

 private:
  const Replicates& replicates(const AveragedCell& cell, ScoreLevel level);

  const EvaluationOptions& options_;
  std::map<std::pair<CellName, ScoreLevel>, Replicates> done_;
};

}  // namespace dfa
