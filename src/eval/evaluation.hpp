// From scores to figures with intervals. Only scored items with a label enter; how many did not is part of the result.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/auc.hpp"
#include "eval/score_crops.hpp"

namespace dfa {

// One group of fakes against the reals.
struct Figures {
  std::size_t frame_reals = 0, frame_fakes = 0;
  std::size_t video_reals = 0, video_fakes = 0;
  std::optional<Interval> frame_auc;  // every crop is an item; nothing = undefined, a class is missing
  std::optional<Interval> video_auc;  // the mean over a video's crops is an item; a still picture is a video of its own
};

struct Evaluation {
  std::size_t crops = 0;       // of the role
  std::size_t unlabelled = 0;  // among them: not used for any figure
  std::size_t unscored = 0;    // among them: unreadable or of another size
  Figures all;
  std::map<std::string, Figures> methods;  // the fakes of each method against all reals; only where fakes name a method
  BootstrapOptions bootstrap;

  double coverage() const;  // share of crops with a score; 0 for no crops
};

// Intervals: bootstrap over videos, drawn with replacement within each class. Errors: manifest_invalid when crops of
// one video carry different labels.
Result<Evaluation> evaluate_scores(const std::vector<CropScore>& scores, const BootstrapOptions& bootstrap);

}  // namespace dfa
