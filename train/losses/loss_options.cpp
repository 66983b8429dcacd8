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

Status check_losses(const NetworkConfig& network, const LossOptions& options) {
  for (const double weight :
       {options.label_smoothing, options.alignment, options.uniformity, options.mask, options.boundary,
        options.patch_contrast, options.consistency, options.consistency_ramp_epochs, options.epoch})
    if (!(weight >= 0) || !std::isfinite(weight))
      return fail(ErrorCode::usage, "a number of the loss is {}, expected finite ones from 0", weight);
  if (!(options.patch_temperature > 0))
    return fail(ErrorCode::usage, "loss.patch_temperature is {}, expected a positive number",
                options.patch_temperature);
  if (needs_masks(options) && !network.lsa)
    return fail(ErrorCode::usage,
                "loss.mask, loss.boundary and loss.patch_contrast read the spatial tokens, and the network has none\n"
                "  next step: set network.lsa to true, or these weights to 0");
  return {};
}

}  // namespace dfa::train
