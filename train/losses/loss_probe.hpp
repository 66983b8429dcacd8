// The bare losses on plain numbers, each with its gradient: what tests hold against sums made by hand and against
// differences. All in f64; nothing where the term is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/losses/spatial_targets.hpp"

namespace dfa::train {

struct LossProbe {
  double value = 0;
  std::vector<double> gradient;  // of the argument named `x`, in its order
};
using ProbeResult = Result<std::optional<LossProbe>>;

// x: features (N, D), any length: they are made unit rows first. N = labels.size().
ProbeResult probe_alignment(std::span<const double> x, std::span<const std::int64_t> labels);
ProbeResult probe_uniformity(std::span<const double> x, std::int64_t samples);
// x: logits (N, classes).
ProbeResult probe_consistency_strong(std::span<const double> weak, std::span<const double> x, std::int64_t samples);
ProbeResult probe_consistency_weak(std::span<const double> x, std::span<const double> strong, std::int64_t samples);
// x: spatial tokens (N, Tc, D) of `network`; weights: (3, D) and biases: (3), a row a level.
ProbeResult probe_map_loss(const NetworkConfig& network, MapHead kind, std::span<const double> x,
                           const SpatialTargets& targets, std::span<const double> weights,
                           std::span<const double> biases);
ProbeResult probe_patch_contrast(const NetworkConfig& network, std::span<const double> x, const SpatialTargets& targets,
                                 double temperature);

}  // namespace dfa::train
