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

// Each table by itself; then mean and drop in turn, of each code and of all.
std::vector<Combination> combinations_of(const std::vector<CodeCells>& codes, std::size_t tables) {
  std::vector<Combination> combinations;
  for (std::size_t table = 0; table < tables; ++table) {
    combinations.push_back({std::vector<double>(tables)});
    combinations.back().weights[table] = 1;
  }
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

// Figures of one table out of the joint ones.
Figures figures_of(const ScoreTable& table, JointFigure joint, const EvaluationOptions& options) {
  const LevelOptions level{options.video, options.no_face, options.min_frames_per_video};
  const auto with_counts = [](const LevelScores& scores, std::vector<MetricValue> values) {
    const auto fakes = static_cast<std::size_t>(std::count(scores.labels.begin(), scores.labels.end(), 1));
    return LevelFigures{scores.labels.size() - fakes, fakes, std::move(values)};
  };
  Figures figures;
  figures.frame = with_counts(frame_scores(table, level), std::move(joint.frame));
  figures.video = with_counts(video_scores(table, level), std::move(joint.video));
  figures.coverage = coverage_of(table, options.min_frames_per_video);
  figures.coverage.known = options.dropped == DroppedInputs::counted;
  return figures;
}

std::vector<Condition> conditions_of(std::span<const Perturbation> perturbations, std::span<const ScoreTable> tables) {
  std::vector<Condition> conditions = {{"clean", &tables.front()}};
  for (std::size_t i = 0; i < perturbations.size(); ++i)
    conditions.push_back({fmt::format("{} level {}", perturbations[i].code, perturbations[i].level), &tables[i + 1]});
  return conditions;
}

MeanFigures mean_of(std::string code, std::string name, std::size_t parts, JointFigure mean, JointFigure drop) {
  return {std::move(code), std::move(name), parts, std::move(mean), std::move(drop), 1};
}

}  // namespace

Result<Robustness> evaluate_robustness(std::span<const Perturbation> perturbations, std::span<const ScoreTable> tables,
                                       const EvaluationOptions& options) {
  DFA_TRY(check_request(perturbations, tables));
  const std::vector<CodeCells> codes = by_code(perturbations);
  const std::vector<Combination> combinations = combinations_of(codes, tables.size());
  DFA_ASSIGN_OR_RETURN(std::vector<JointFigure> joint,
                       joint_figures(conditions_of(perturbations, tables), combinations, options));

  Robustness robustness;
  robustness.kind = perturbations.front().kind;
  robustness.clean = figures_of(tables.front(), std::move(joint.front()), options);
  for (std::size_t i = 0; i < perturbations.size(); ++i) {
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(perturbations[i].kind, perturbations[i].code));
    robustness.cells.push_back({perturbations[i], info->levels[static_cast<std::size_t>(perturbations[i].level - 1)],
                                figures_of(tables[i + 1], std::move(joint[i + 1]), options)});
  }
  std::size_t next = tables.size();
  const auto take = [&] { return std::move(joint[next++]); };
  double least = 1;
  for (const CodeCells& code : codes) {
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(robustness.kind, code.code));
    JointFigure mean = take(), drop = take();
    robustness.codes.push_back(mean_of(code.code, info->name, code.tables.size(), std::move(mean), std::move(drop)));
    double& of_code = robustness.codes.back().least_coverage;
    for (const std::size_t table : code.tables)
      of_code = std::min(of_code, robustness.cells[table - 1].figures.coverage.share());
    least = std::min(least, of_code);
  }
  JointFigure mean = take(), drop = take();
  robustness.overall = mean_of("", "", codes.size(), std::move(mean), std::move(drop));
  robustness.overall.least_coverage = least;
  return robustness;
}

}  // namespace dfa
