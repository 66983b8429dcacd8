// What `dfa evaluate` was asked.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "eval/evaluation.hpp"
#include "eval/score_crops.hpp"
#include "eval/score_csv.hpp"
#include "eval/walls.hpp"

namespace dfa::cli {

struct EvaluateOptions {
  std::vector<std::string> data;               // --data: manifests
  std::string role = "test";                   // --role: of the manifests' crops
  std::vector<std::string> from;               // --from: CSV files of scores, "-" = standard input
  ScoreScale scale = ScoreScale::probability;  // --logits
  std::vector<std::string> trained_on;         // --trained-on: manifests
  IKnow i_know = IKnow::no;                    // --i-know
  RecipeCheck recipe = RecipeCheck::enforce;   // --force-crop
  std::string threshold;                       // --threshold: a number, "fpr1", "fpr5", "best", empty = the model's
  EvaluationOptions evaluation;                // --bootstrap, --aggregation, --no-face
  std::int64_t seed = static_cast<std::int64_t>(BootstrapOptions{}.seed);  // --seed: of the bootstrap
  std::int64_t min_frames = 1;  // --min-frames: scored frames that a video must have
  std::vector<std::string> by;  // --by: "method", "set"; the rows beside "all"
  std::string scores;           // --scores: CSV of the crops' scores
  std::string out;              // --out: folder for every form and the scores
  std::string page;             // --report: one HTML file

  bool groups_by(std::string_view word) const;
  // `evaluation` with the seed and the frames that stand beside it.
  EvaluationOptions evaluation_options() const;
};

void add_evaluate_options(CLI::App& command, EvaluateOptions& options, CommandContext& context);

}  // namespace dfa::cli
