#include "eval/robustness.hpp"

#include <algorithm>

namespace dfa {
namespace {

struct CodeCells {
  std::string code;
  std::vector<std::size_t> tables;  // places of its levels
};

Status check_request(std::span<const Perturbation> perturbations, std::span<const ScoreTable> tables) {
  if (perturbations.empty() || tables.size() != perturbations.size() + 1)
    return fail(ErrorCode::usage, "{} tables for {} perturbations, expected the clean one and one for each",
                tables.size(), perturbations.size());
  for (const Perturbation& perturbation : perturbations) {
    DFA_TRY(check_perturbation(perturbation));
    if (perturbation.kind != perturbations.front().kind)
      return fail(ErrorCode::usage, "perturbations of {} and of {} have no common mean",
                  perturb_kind_name(perturbations.front().kind), perturb_kind_name(perturbation.kind));
  }
  return {};
}

std::vector<CodeCells> by_code(std::span<const Perturbation> perturbations) {
  std::vector<CodeCells> codes;
  for (std::size_t i = 0; i < perturbations.size(); ++i) {
    const auto known = std::find_if(codes.begin(), codes.end(),
                                    [&](const CodeCells& code) { return code.code == perturbations[i].code; });
    CodeCells& code = known == codes.end() ? codes.emplace_back(CodeCells{perturbations[i].code, {}}) : *known;
    code.tables.push_back(i + 1);
  }
  return codes;
}

// Twice as many combinations as codes, and two for all: mean and drop in turn.
std::vector<Combination> combinations_of(const std::vector<CodeCells>& codes, std::size_t tables) {
  std::vector<Combination> combinations;
  Combination all{std::vector<double>(tables)};
  const auto add = [&](Combination mean) {
    combinations.push_back(mean);
    mean.weights.front() -= 1;
    combinations.push_back(std::move(mean));
  };
  for (const CodeCells& code : codes) {
    Combination mean{std::vector<double>(tables)};
    for (const std::size_t table : code.tables) {
      mean.weights[table] = 1 / static_cast<double>(code.tables.size());
      all.weights[table] = mean.weights[table] / static_cast<double>(codes.size());
    }
    add(std::move(mean));
  }
  add(std::move(all));
  return combinations;
}

std::string condition_name(const Perturbation& perturbation) {
  return fmt::format("{} level {}", perturbation.code, perturbation.level);
}

Result<std::vector<PerturbedFigures>> figures_of(std::span<const Perturbation> perturbations,
                                                 std::span<const ScoreTable> tables, const EvaluationOptions& options) {
  std::vector<PerturbedFigures> cells;
  for (std::size_t i = 0; i < perturbations.size(); ++i) {
    const Perturbation& perturbation = perturbations[i];
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(perturbation.kind, perturbation.code));
    DFA_ASSIGN_OR_RETURN(Evaluation evaluation, evaluate_scores(tables[i + 1], options));
    cells.push_back(
        {perturbation, info->levels[static_cast<std::size_t>(perturbation.level - 1)], std::move(evaluation.all)});
  }
  return cells;
}

}  // namespace

Result<Robustness> evaluate_robustness(std::span<const Perturbation> perturbations, std::span<const ScoreTable> tables,
                                       const EvaluationOptions& options) {
  DFA_TRY(check_request(perturbations, tables));
  Robustness robustness;
  robustness.kind = perturbations.front().kind;
  DFA_ASSIGN_OR_RETURN(Evaluation clean, evaluate_scores(tables.front(), options));
  robustness.clean = std::move(clean.all);
  DFA_ASSIGN_OR_RETURN(robustness.cells, figures_of(perturbations, tables, options));

  std::vector<Condition> conditions = {{"clean", &tables.front()}};
  for (std::size_t i = 0; i < perturbations.size(); ++i)
    conditions.push_back({condition_name(perturbations[i]), &tables[i + 1]});
  const std::vector<CodeCells> codes = by_code(perturbations);
  const std::vector<Combination> combinations = combinations_of(codes, tables.size());
  DFA_ASSIGN_OR_RETURN(std::vector<JointFigure> figures, joint_figures(conditions, combinations, options));

  robustness.overall.least_coverage = 1;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(robustness.kind, codes[i].code));
    MeanFigures mean{
        codes[i].code, info->name, codes[i].tables.size(), std::move(figures[2 * i]), std::move(figures[2 * i + 1]), 1};
    for (const std::size_t table : codes[i].tables)
      mean.least_coverage = std::min(mean.least_coverage, robustness.cells[table - 1].figures.coverage.share());
    robustness.overall.least_coverage = std::min(robustness.overall.least_coverage, mean.least_coverage);
    robustness.codes.push_back(std::move(mean));
  }
  robustness.overall.parts = codes.size();
  robustness.overall.mean = std::move(figures[2 * codes.size()]);
  robustness.overall.drop = std::move(figures[2 * codes.size() + 1]);
  return robustness;
}

}  // namespace dfa
