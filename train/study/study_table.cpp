#include "train/study/study_table.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "eval/comparison.hpp"
#include "train/study/cell_scores.hpp"

namespace dfa::train {

namespace {

constexpr const char* kOverMethods = "mean over methods left out";
constexpr const char* kOverTests = "mean over tests";

// A figure of the table: a test, and whose fakes count.
struct Column {
  std::string name;
  std::size_t test = 0;
  std::string method;    // empty: all fakes
  std::string left_out;  // of the cells that give it; empty without leave_out
  bool operator==(const Column&) const = default;
};

using PointsBySeed = std::map<std::uint64_t, MetricPoint>;

class Summary {
 public:
  Summary(const Study& study, const StudyGrid& grid) : study_(study), grid_(grid) {}

  Result<StudyTable> make(std::vector<CellFailure> failures) {
    DFA_ASSIGN_OR_RETURN(metric_, metric_by_name(study_.metric));
    DFA_TRY(read_records());
    DFA_TRY(choose_columns());
    StudyTable table;
    table.study = study_.name;
    table.metric = metric_info(metric_).name;
    table.level = study_.level == StudyLevel::video ? "video" : "frame";
    for (const StudyAxis& axis : study_.axes) table.axes.push_back(axis.name);
    table.seeds = study_.seeds;
    table.failures = std::move(failures);
    for (std::size_t i = 0; i < grid_.combinations.size(); ++i) {
      DFA_ASSIGN_OR_RETURN(StudyRow row, row_of(i));
      table.rows.push_back(std::move(row));
    }
    for (const Column& column : columns_) table.columns.push_back(column.name);
    for (const std::string& mean : mean_columns()) table.columns.push_back(mean);
    for (const Column& column : columns_) DFA_TRY(compare(column, table.comparisons));
    add_notes(table);
    return table;
  }

 private:
  Status read_records() {
    for (const StudyCell& cell : grid_.cells) {
      DFA_ASSIGN_OR_RETURN(auto record, read_cell_record(cell.config.out));
      if (record && record->definition_sha256 == cell.definition_sha256) records_.emplace(&cell, std::move(*record));
    }
    return {};
  }

  // One for each method left out; else for each test all fakes, then each method where there are several.
  Status choose_columns() {
    for (std::size_t test = 0; test < study_.tests.size(); ++test) {
      const std::string prefix = study_.tests.size() > 1 ? study_.tests[test].name + ": " : "";
      for (const std::string& method : study_.leave_out)
        columns_.push_back({prefix + "without " + method, test, method, method});
      if (!study_.leave_out.empty()) continue;
      columns_.push_back({prefix + "all", test, "", ""});
      DFA_ASSIGN_OR_RETURN(const std::vector<std::string> methods, methods_of(test));
      for (const std::string& method : methods)
        if (methods.size() > 1) columns_.push_back({prefix + method, test, method, ""});
    }
    return {};
  }

  // Of the first finished cell: a test has the same crops for all, unless an axis varies the data.
  Result<std::vector<std::string>> methods_of(std::size_t test) {
    for (const StudyCell& cell : grid_.cells)
      if (records_.contains(&cell)) {
        DFA_ASSIGN_OR_RETURN(const ScoreTable scores, scores_of(cell, test));
        return methods_in(scores);
      }
    return std::vector<std::string>{};
  }

  Result<ScoreTable> scores_of(const StudyCell& cell, std::size_t test) {
    return read_cell_scores(cell.config.out, records_.at(&cell).tests.at(test));
  }

  std::vector<std::string> mean_columns() const {
    if (!study_.leave_out.empty()) return {kOverMethods};
    return study_.tests.size() > 1 ? std::vector<std::string>{kOverTests} : std::vector<std::string>{};
  }

  // Columns that a mean column is the mean of.
  bool is_averaged(const Column& column) const { return !study_.leave_out.empty() || column.method.empty(); }

  Result<StudyRow> row_of(std::size_t index) {
    const Combination& combination = grid_.combinations[index];
    StudyRow row{combination.name, combination.values, combination.trained_parameters, 0, 0, {}, {}};
    std::vector<PointsBySeed> points(columns_.size());
    std::map<std::uint64_t, std::vector<double>> validation;
    for (const StudyCell& cell : grid_.cells) {
      if (cell.combination != index) continue;
      ++row.cells;
      if (!records_.contains(&cell)) continue;
      ++row.finished;
      validation[cell.seed].push_back(records_.at(&cell).best_val_auc);
      DFA_TRY(measure_columns(cell, points));
    }
    for (const std::uint64_t seed : study_.seeds)
      if (const auto& values = validation[seed]; !values.empty())
        row.validation.values.push_back(std::reduce(values.begin(), values.end()) / static_cast<double>(values.size()));
    if (row.validation.values.empty()) row.validation.undefined = "no cell is finished";
    for (const PointsBySeed& column : points) row.figures.push_back(spread_of(column));
    if (!mean_columns().empty()) row.figures.push_back(spread_of(means_of(points)));
    return row;
  }

  Status measure_columns(const StudyCell& cell, std::vector<PointsBySeed>& points) {
    for (std::size_t test = 0; test < study_.tests.size(); ++test) {
      DFA_ASSIGN_OR_RETURN(const ScoreTable scores, scores_of(cell, test));
      for (std::size_t i = 0; i < columns_.size(); ++i)
        if (columns_[i].test == test && columns_[i].left_out == cell.left_out)
          points[i][cell.seed] = measure_cell(of_method(scores, columns_[i].method), metric_, study_.level);
    }
    return {};
  }

  // Of the seeds that have a figure in every column that counts: a mean over fewer would be another one.
  PointsBySeed means_of(const std::vector<PointsBySeed>& points) const {
    PointsBySeed means;
    for (const std::uint64_t seed : study_.seeds) {
      double sum = 0;
      std::size_t count = 0, wanted = 0;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (!is_averaged(columns_[i])) continue;
        ++wanted;
        const auto found = points[i].find(seed);
        if (found == points[i].end() || !found->second.value) continue;
        sum += *found->second.value;
        ++count;
      }
      means[seed] = count == wanted ? MetricPoint{sum / static_cast<double>(count), ""}
                                    : MetricPoint{{}, "a column has no figure with any seed"};
    }
    return means;
  }

  SeedSpread spread_of(const PointsBySeed& points) const {
    SeedSpread spread;
    std::string why = "no cell is finished";
    for (const std::uint64_t seed : study_.seeds) {
      const auto found = points.find(seed);
      if (found == points.end()) continue;
      if (found->second.value)
        spread.values.push_back(*found->second.value);
      else
        why = found->second.undefined;
    }
    if (spread.values.empty()) spread.undefined = why;
    return spread;
  }

  const StudyCell* finished_cell(std::size_t combination, std::uint64_t seed, const std::string& left_out) const {
    for (const StudyCell& cell : grid_.cells)
      if (cell.combination == combination && cell.seed == seed && cell.left_out == left_out)
        return records_.contains(&cell) ? &cell : nullptr;
    return nullptr;
  }

  // Seeds that every combination with any result has: the same for all pairs of a column.
  std::vector<std::uint64_t> common_seeds(const std::vector<std::size_t>& combinations, const Column& column) const {
    std::vector<std::uint64_t> common;
    for (const std::uint64_t seed : study_.seeds)
      if (std::all_of(combinations.begin(), combinations.end(),
                      [&](std::size_t i) { return finished_cell(i, seed, column.left_out) != nullptr; }))
        common.push_back(seed);
    return common;
  }

  std::vector<std::size_t> with_results(const Column& column) const {
    std::vector<std::size_t> combinations;
    for (std::size_t i = 0; i < grid_.combinations.size(); ++i)
      if (std::any_of(study_.seeds.begin(), study_.seeds.end(),
                      [&](std::uint64_t seed) { return finished_cell(i, seed, column.left_out) != nullptr; }))
        combinations.push_back(i);
    return combinations;
  }

  Result<ScoreTable> combined(std::size_t combination, const std::vector<std::uint64_t>& seeds, const Column& column) {
    std::vector<ScoreTable> tables;
    for (const std::uint64_t seed : seeds) {
      DFA_ASSIGN_OR_RETURN(const ScoreTable scores,
                           scores_of(*finished_cell(combination, seed, column.left_out), column.test));
      tables.push_back(of_method(scores, column.method));
    }
    return mean_over_seeds(tables);
  }

  Status compare(const Column& column, std::vector<StudyComparison>& comparisons) {
    const std::vector<std::size_t> combinations = with_results(column);
    const std::vector<std::uint64_t> seeds = common_seeds(combinations, column);
    if (combinations.size() < 2 || seeds.empty()) return {};
    std::vector<ScoreTable> tables;
    for (const std::size_t combination : combinations) {
      DFA_ASSIGN_OR_RETURN(ScoreTable table, combined(combination, seeds, column));
      tables.push_back(std::move(table));
    }
    std::vector<StudyComparison> found;
    for (std::size_t b = 1; b < tables.size(); ++b)
      for (std::size_t a = 0; a < (study_.pairs == StudyPairs::all ? b : 1); ++a) {
        DFA_ASSIGN_OR_RETURN(StudyComparison comparison, compare_pair(tables[a], tables[b]));
        comparison.column = column.name;
        comparison.first = grid_.combinations[combinations[a]].name;
        comparison.second = grid_.combinations[combinations[b]].name;
        comparison.seeds = seeds.size();
        found.push_back(std::move(comparison));
      }
    correct(found);
    comparisons.insert(comparisons.end(), found.begin(), found.end());
    return {};
  }

  Result<StudyComparison> compare_pair(const ScoreTable& first, const ScoreTable& second) const {
    EvaluationOptions options;
    options.bootstrap.rounds = study_.bootstrap_rounds;
    options.bootstrap.seed = study_.bootstrap_seed;
    options.metrics = {metric_};
    DFA_ASSIGN_OR_RETURN(const Comparison both, compare_scores(first, second, options));
    const LevelComparison& level = study_.level == StudyLevel::video ? both.video : both.frame;
    const MetricDifference& figure = level.of(metric_);
    StudyComparison comparison;
    comparison.reals = level.reals;
    comparison.fakes = level.fakes;
    comparison.undefined = figure.undefined;
    comparison.p = figure.p;
    if (figure.difference) {
      comparison.difference = figure.difference->value;
      comparison.low = figure.difference->low;
      comparison.high = figure.difference->high;
    }
    return comparison;
  }

  static void correct(std::vector<StudyComparison>& comparisons) {
    std::vector<double> p;
    for (const StudyComparison& comparison : comparisons)
      if (comparison.p) p.push_back(*comparison.p);
    const std::vector<double> corrected = holm_corrected(p);
    std::size_t next = 0;
    for (StudyComparison& comparison : comparisons)
      if (comparison.p) comparison.p_holm = corrected[next++];
  }

  void add_notes(StudyTable& table) const {
    table.notes.push_back(fmt::format("{} per {}; mean and standard deviation (n - 1) over seeds",
                                      metric_info(metric_).title, table.level));
    table.notes.push_back("each cell's epoch was chosen on role val; rows stand in the study's order");
    if (!study_.leave_out.empty())
      table.notes.push_back("\"without M\": trained without method M, measured on the fakes of M against the reals");
    if (!table.comparisons.empty())
      table.notes.push_back(
          fmt::format("tests: paired bootstrap over the videos that both scored ({} rounds, seed {}), p_fake averaged "
                      "over the seeds that all combinations have; Holm: corrected for the tests of one column",
                      study_.bootstrap_rounds, study_.bootstrap_seed));
    std::set<std::string> deviations;
    for (const auto& [cell, record] : records_) deviations.insert(record.deviations.begin(), record.deviations.end());
    for (const std::string& deviation : deviations) table.notes.push_back("deviation: " + deviation);
    if (records_.size() < grid_.cells.size())
      table.notes.push_back(
          fmt::format("{} of {} cells have no result", grid_.cells.size() - records_.size(), grid_.cells.size()));
  }

  const Study& study_;
  const StudyGrid& grid_;
  Metric metric_ = Metric::auc;
  std::map<const StudyCell*, CellRecord> records_;  // of finished cells
  std::vector<Column> columns_;
};

}  // namespace

std::optional<double> SeedSpread::mean() const {
  if (values.empty()) return {};
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> SeedSpread::deviation() const {
  if (values.size() < 2) return {};
  double squares = 0;
  for (const double value : values) squares += (value - *mean()) * (value - *mean());
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> holm_corrected(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double so_far = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    so_far = std::max(so_far, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    corrected[order[i]] = so_far;
  }
  return corrected;
}

Result<StudyTable> study_table(const Study& study, const StudyGrid& grid, std::vector<CellFailure> failures,
                               std::vector<std::string> stamps) {
  DFA_ASSIGN_OR_RETURN(StudyTable table, Summary(study, grid).make(std::move(failures)));
  table.stamps = std::move(stamps);
  return table;
}

}  // namespace dfa::train
