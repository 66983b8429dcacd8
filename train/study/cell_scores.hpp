// Scores of cells, and what the table makes of them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "eval/metric.hpp"
#include "eval/score_table.hpp"
#include "train/study/cell_record.hpp"
#include "train/study/study.hpp"

namespace dfa::train {

// The scores that a cell wrote for a test. Errors: manifest_invalid when they are not the bytes that its record names,
// those of read_scores_file().
Result<ScoreTable> read_cell_scores(const std::filesystem::path& folder, const CellTest& test);

// Names of the methods of the fakes, sorted.
std::vector<std::string> methods_in(const ScoreTable& scores);

// The fakes of one method and the reals of the sets that hold it; everything for an empty name.
ScoreTable of_method(const ScoreTable& scores, const std::string& method);

MetricPoint measure_cell(const ScoreTable& scores, Metric metric, StudyLevel level);

// Note [Seeds combined]
// Two combinations are compared by the scores a reader would get from all their seeds together: a crop's p_fake is the
// mean over the seeds, and a crop that one seed did not score is not scored. The spread over seeds is the table's
// deviation; the test's interval and p are about the choice of videos.
//
// `seeds`: of one test, rows in one order. Errors: internal when they are of different crops.
Result<ScoreTable> mean_over_seeds(std::span<const ScoreTable> seeds);

}  // namespace dfa::train
