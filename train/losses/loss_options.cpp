#include "train/losses/loss_options.hpp"

#include <algorithm>
#include <cmath>

namespace dfa::train {

bool needs_masks(const LossOptions& options) {
  return options.mask > 0 || options.boundary > 0 || options.patch_contrast > 0;
}

bool needs_strong_view(const LossOptions& options) {
  return options.consistency > 0;
}

double consistency_weight(const LossOptions& options) {
  if (options.consistency_ramp_epochs <= 0) return options.consistency;
  return options.consistency * std::min(1.0, options.epoch / options.consistency_ramp_epochs);
}

namespace {

Status check_class_weights(const NetworkConfig& network, const std::vector<double>& weights) {
  if (weights.empty()) return {};
  if (weights.size() != static_cast<std::size_t>(network.classes))
    return fail(ErrorCode::usage, "data.class_weights has {} numbers, expected one for each of {} classes",
                weights.size(), network.classes);
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight))
      return fail(ErrorCode::usage, "data.class_weights holds {}, expected finite numbers from 0", weight);
    sum += weight;
  }
  if (sum > 0) return {};
  return fail(ErrorCode::usage, "data.class_weights are all 0: nothing would be learnt");
}

}  // namespace

Status check_losses(const NetworkConfig& network, const Tuning& tuning, const LossOptions& options) {
  for (const double weight : {options.label_smoothing, options.alignment, options.uniformity, options.mask,
                              options.boundary, options.patch_contrast, options.svd_orthogonality, options.svd_norm,
                              options.consistency, options.consistency_ramp_epochs, options.epoch})
    if (!(weight >= 0) || !std::isfinite(weight))
      return fail(ErrorCode::usage, "a number of the loss is {}, expected finite ones from 0", weight);
  if (!(options.patch_temperature > 0))
    return fail(ErrorCode::usage, "loss.patch_temperature is {}, expected a positive number",
                options.patch_temperature);
  if (needs_masks(options) && !network.lsa)
    return fail(ErrorCode::usage,
                "loss.mask, loss.boundary and loss.patch_contrast read the spatial tokens, and the network has none\n"
                "  next step: set network.lsa to true, or these weights to 0");
  if ((options.svd_orthogonality > 0 || options.svd_norm > 0) && tuning.low_rank != LowRank::svd)
    return fail(ErrorCode::usage,
                "loss.svd_orthogonality and loss.svd_norm hold singular directions, and tuning \"{}\" trains none\n"
                "  next step: tuning svd:R, or these weights 0",
                tuning_word(tuning));
  return check_class_weights(network, options.class_weights);
}

}  // namespace dfa::train
