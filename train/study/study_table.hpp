// What a study comes to: a row a combination, a column a test, and paired tests between rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/study/cell_record.hpp"
#include "train/study/study_grid.hpp"

namespace dfa::train {

// A figure over seeds.
struct SeedSpread {
  std::vector<double> values;  // of the seeds that have one, in the order of the study
  std::string undefined;       // why, where there are none
  std::optional<double> mean() const;
  std::optional<double> deviation() const;  // with n - 1; nothing for a single seed
};

struct StudyRow {
  std::string combination;
  std::vector<std::string> values;  // by axis
  std::int64_t trained_parameters = 0;
  std::size_t cells = 0, finished = 0;
  SeedSpread validation;            // AUC of role val that chose the checkpoint; mean over methods left out
  std::vector<SeedSpread> figures;  // by column
};

// first - second, over the same videos, in one column. Note [Seeds combined].
struct StudyComparison {
  std::string column, first, second;
  std::size_t seeds = 0;
  std::size_t reals = 0, fakes = 0;
  std::optional<double> difference, low, high;
  std::optional<double> p;       // two-sided, of no difference
  std::optional<double> p_holm;  // with all tests of the column in view (Holm 1979)
  std::string undefined;
};

struct StudyTable {
  std::string study, metric, level;
  std::vector<std::string> axes;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> columns;
  std::vector<StudyRow> rows;
  std::vector<StudyComparison> comparisons;
  std::vector<CellFailure> failures;
  std::vector<std::string> stamps;  // why the figures are no test results: study_walls.hpp
  std::vector<std::string> notes;   // how the figures were made; deviations of the trainings
};

// From the finished cells' folders; cells without a record are missing and counted. Errors: those of
// read_cell_record() and read_cell_scores(). `stamps`: of study_stamps().
Result<StudyTable> study_table(const Study& study, const StudyGrid& grid, std::vector<CellFailure> failures,
                               std::vector<std::string> stamps = {});

// Holm's step-down correction, in the order given: p sorted, the i-th of m (from 0) times m - i, never falling, at
// most 1.
std::vector<double> holm_corrected(const std::vector<double>& p);

enum class StudyForm { text, csv, json, markdown, latex };
struct StudyFormInfo {
  StudyForm form;
  const char* name;  // as --format has it
  const char* file;  // in the study's folder
};
inline constexpr StudyFormInfo kStudyForms[] = {{StudyForm::text, "text", "table.txt"},
                                                {StudyForm::csv, "csv", "table.csv"},
                                                {StudyForm::json, "json", "table.json"},
                                                {StudyForm::markdown, "markdown", "table.md"},
                                                {StudyForm::latex, "latex", "table.tex"}};
std::string study_table_text(const StudyTable& table, StudyForm form);

}  // namespace dfa::train
