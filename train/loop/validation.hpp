// How good the network is on the crops of role val, which choose the best checkpoint. Role test is never touched here.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

struct ValidationResult {
  double loss = 0;                              // mean cross-entropy, without label smoothing
  double auc = 0;                               // over crops
  std::map<std::string, double> auc_by_method;  // each method's fakes against all reals
};

struct CropScores {
  std::vector<double> p_fake;
  double loss_sum = 0;  // of cross-entropies
};

// The first `count` crops, in their order, in eval mode and f32. Errors: cancelled, those of the loader.
Result<CropScores> score_crops(TrainNetwork& network, const CropSet& crops, std::size_t count, const RunConfig& config,
                               const CancelFlag& cancel);

// All crops. Errors: usage when role val lacks a class, non_finite_loss, cancelled, those of the loader.
Result<ValidationResult> validate(TrainNetwork& network, const CropSet& crops, const RunConfig& config,
                                  const CancelFlag& cancel);

}  // namespace dfa::train
