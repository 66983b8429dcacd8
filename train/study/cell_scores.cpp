#include "train/study/cell_scores.hpp"

#include <set>

#include "base/hash.hpp"
#include "eval/level_scores.hpp"
#include "eval/score_csv.hpp"

namespace dfa::train {

Result<ScoreTable> read_cell_scores(const std::filesystem::path& folder, const CellTest& test) {
  const std::filesystem::path path = folder / test.scores_file;
  DFA_ASSIGN_OR_RETURN(const std::string sha256, sha256_file(path));
  if (sha256 != test.scores_sha256)
    return fail(ErrorCode::manifest_invalid,
                "{}: not the scores that {} names (SHA-256 {}, expected {})\n  next step: remove {}, and the cell is "
                "evaluated again",
                path.string(), kCellFile, sha256, test.scores_sha256, (folder / kCellFile).string());
  ScoreTable table;
  DFA_TRY(read_scores_file(path, {}, table));
  return table;
}

std::vector<std::string> methods_in(const ScoreTable& scores) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores.labels()[i] == 1) names.emplace(scores.method_name(scores.methods()[i]));
  names.erase("");
  return {names.begin(), names.end()};
}

ScoreTable of_method(const ScoreTable& scores, const std::string& method) {
  if (method.empty()) return scores.filtered([](const ScoreRow&) { return true; });
  std::set<std::string, std::less<>> sets;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (const ScoreRow row = scores.row(i); row.label == 1 && row.method == method) sets.emplace(row.set);
  return scores.filtered(
      [&](const ScoreRow& row) { return row.label == 1 ? row.method == method : sets.contains(row.set); });
}

MetricPoint measure_cell(const ScoreTable& scores, Metric metric, StudyLevel level) {
  const LevelScores items = level == StudyLevel::video ? video_scores(scores) : frame_scores(scores);
  return measure(metric, items.p_fake, items.labels);
}

Result<ScoreTable> mean_over_seeds(std::span<const ScoreTable> seeds) {
  ScoreTable means;
  for (std::size_t i = 0; i < seeds.front().size(); ++i) {
    ScoreRow row = seeds.front().row(i);
    double sum = 0;
    bool is_scored = true;
    for (const ScoreTable& seed : seeds) {
      if (seed.size() != seeds.front().size() || seed.row(i).path != row.path)
        return fail(ErrorCode::internal, "seeds of one combination were scored on different crops");
      const ScoreRow other = seed.row(i);
      is_scored = is_scored && other.p_fake;
      sum += other.p_fake.value_or(0);
      if (!other.p_fake) row = other;
    }
    row.margin.reset();
    row.p_fake.reset();
    if (is_scored) row.p_fake = sum / static_cast<double>(seeds.size());
    DFA_TRY(means.add(row));
  }
  return means;
}

}  // namespace dfa::train
