// What stronger compression costs: one detector on two compressions of the same videos (c23 -> c40).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "eval/joint_figures.hpp"
#include "eval/score_table.hpp"

namespace dfa {

// Videos that only one side has; the first of them, as an example.
struct TransferGap {
  std::size_t videos = 0;
  std::string first;
};

struct Transfer {
  Figures from, to;        // each over all of its own videos
  std::size_t common = 0;  // videos that both sides have
  TransferGap only_from, only_to;
  JointFigure from_common, to_common;  // over the common videos
  JointFigure drop;                    // to - from over the common videos, paired
};

// A video's path without the folder that names its compression (raw, c0, c23, c40) and without `roots`, the folders of
// the manifests: what the two sides share.
std::string path_without_compression(std::string_view video, std::span<const std::string> roots);

// Errors: manifest_invalid (no common video; a side that holds one video in two compressions), those of
// evaluate_scores() and joint_figures().
Result<Transfer> evaluate_transfer(const ScoreTable& from, const ScoreTable& to, std::span<const std::string> roots,
                                   const EvaluationOptions& options);

}  // namespace dfa
