// What common but faulty definitions would give, for comparison with published numbers. Never headline figures: each
// comes with the name of its defect and the right value.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "eval/metric.hpp"
#include "eval/score_table.hpp"

namespace dfa {

struct LegacyFigure {
  std::string_view name;    // key, e.g. "video_auc_dfb_legacy"
  std::string_view defect;  // what it does wrong, and who does
  MetricPoint legacy;
  MetricPoint correct;  // the same figure by the right definition
};

struct LegacyFigures {
  std::vector<LegacyFigure> figures;
  std::size_t videos = 0;         // labelled and scored
  std::size_t folder_groups = 0;  // what remains of them when grouped by folder name

  const LegacyFigure* find(std::string_view name) const;  // nullptr when there is none of that name
};

// On all sets together, at threshold 0.5. O(N log N). The definitions (data-and-protocols.md sections 6.2, 6.4 and 7):
// - video_auc_dfb_legacy: DeepfakeBench metrics/utils.py: frames grouped by their folder's NAME, labels averaged and
// cut to
//   whole numbers. The folder is the last part of the video's key, of a still picture that of its path's parent.
// - accuracy_real_dfb_legacy, accuracy_fake_dfb_legacy: DeepfakeBench trainer.py: the list is taken to hold all reals
// first.
// - frame_auc_noface_half, video_auc_noface_half: SBI's evaluation: 0.5 for every input without a score.
LegacyFigures legacy_figures(const ScoreTable& table);

}  // namespace dfa
