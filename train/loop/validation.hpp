// How good the network is on the crops of role val, which choose the best checkpoint. Role test is never touched here.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"
#include "train/devices/rank_group.hpp"

namespace dfa::train {

struct ValidationResult {
  double loss = 0;                              // mean cross-entropy, without label smoothing
  double auc = 0;                               // over crops
  std::map<std::string, double> auc_by_method;  // each method's fakes against all reals
};

// Eval mode, f32. Each rank scores its share; every rank gets the result of the whole set, to the bit that of one
// process (each batch is some rank's, and sums are made in the set's order). Errors: usage when role val lacks a class,
// non_finite_loss, cancelled, those of the loader.
Result<ValidationResult> validate(TrainNetwork& network, const CropSet& crops, const RunConfig& config,
                                  RankGroup& group, const CancelFlag& cancel);

}  // namespace dfa::train
