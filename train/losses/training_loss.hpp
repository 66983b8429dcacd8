// The loss of a step as a torch graph: the forward passes it needs, and the weighted sum of its terms. Include only in
// .cpp files that see torch.
#pragma once

#include <span>
#include <vector>

#include "train/losses/loss_options.hpp"
#include "train/losses/loss_values.hpp"
#include "train/losses/spatial_targets.hpp"
#include "train/nets/network_impl.hpp"

namespace dfa::train {

struct LossInput {
  at::Tensor images;                     // (N, 3, S, S)
  std::span<const std::int64_t> labels;  // (N)
  SpatialTargets targets;                // read where the loss needs masks
  at::Tensor strong;                     // (N, 3, S, S); read where the loss needs the strong view
};

struct LossGraph {
  at::Tensor total;             // scalar
  std::vector<LossTerm> terms;  // each finite or not
  at::Tensor logits;            // (N, classes), of `images`
};

// Train mode must be on. The strong view is a forward pass of its own, normalised by its own batch statistics; the
// running ones follow `images` alone, which are distributed as the crops of detection are.
LossGraph training_loss(NetworkImpl& impl, const LossInput& input, const LossOptions& options);

}  // namespace dfa::train
