// What perturbations cost: figures of each code at each level, their means, and the drop from the clean ones (spec:
// method.md, section 7).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "eval/joint_figures.hpp"
#include "eval/score_table.hpp"
#include "perturb/perturbation.hpp"

namespace dfa {

// One code at one level.
struct PerturbedFigures {
  Perturbation perturbation;
  std::string parameter;  // the level in words
  Figures figures;
};

// Means over levels, or over codes.
struct MeanFigures {
  std::string code;       // empty: the mean over all codes, each counting once
  std::string name;       // what the code truly does: "JPEG" of deeperforensics is pixelation
  std::size_t parts = 0;  // levels of the code, or codes
  JointFigure mean;
  JointFigure drop;           // mean - clean, over the same videos: negative where the figure became smaller
  double least_coverage = 0;  // share of videos with a score in the worst of its cells
};

struct Robustness {
  PerturbKind kind = PerturbKind::deeperforensics;
  Figures clean;
  std::vector<PerturbedFigures> cells;  // in the order given
  std::vector<MeanFigures> codes;       // in order of first sight
  MeanFigures overall;
};

// tables[0] is clean, tables[k] of perturbations[k - 1]. All intervals are those of joint_figures(): where every cell
// scores the same videos, a cell's are to the bit those of evaluate_scores(). Errors: usage (no perturbation, sizes
// that do not fit, several kinds), those of joint_figures().
Result<Robustness> evaluate_robustness(std::span<const Perturbation> perturbations, std::span<const ScoreTable> tables,
                                       const EvaluationOptions& options);

}  // namespace dfa
