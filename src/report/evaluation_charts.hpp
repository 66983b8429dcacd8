// The charts of an evaluation's page. Each gives HTML, or nothing where there is nothing to draw.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluation.hpp"
#include "eval/score_table.hpp"
#include "report/evaluation_format.hpp"
#include "report/svg_chart.hpp"
#include "report/thin_points.hpp"

namespace dfa {

// The items whose figures the evaluation holds.
struct PlottedScores {
  LevelScores frame, video;
};
PlottedScores plotted_scores(const ScoreTable& scores, const EvaluationOptions& options);

// One curve of a chart.
struct NamedScores {
  std::string name;
  const LevelScores* scores;
};
// Linear, and logarithmic in the false positives; every curve in each.
std::vector<Chart> roc_charts(const std::vector<NamedScores>& curves);
// Both levels.
std::vector<Chart> roc_charts(const PlottedScores& scores);
// Both binnings for each level, then how many items the bins hold.
std::vector<Chart> reliability_charts(const PlottedScores& scores);
// The reals against the fakes of each method, frames.
std::vector<Chart> histogram_charts(const ScoreTable& scores, const LevelScores& frames);
std::vector<Chart> risk_charts(const PlottedScores& scores);
// Robustness rows: video AUC over `level`, a line for each `code`; nothing for a table that is none.
std::vector<Chart> level_charts(const ReportTable& table);

// A long curve thinned to what one sees of it (Note [Thinning]) before it becomes points of a chart. `x` rising from
// `low` to `high`.
std::vector<ChartPoint> thinned_curve(const std::vector<PlotPoint>& curve, Scale scale, double low, double high);

}  // namespace dfa
