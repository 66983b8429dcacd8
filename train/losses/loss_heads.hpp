// The 1x1 heads that predict masks and boundaries from the spatial tokens: trained with the network, kept in
// checkpoints, no part of the network and of no model file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"
#include "train/losses/loss_options.hpp"

namespace dfa::train {

inline constexpr int kSpatialLevels = 3;  // maps at 1/8, 1/16, 1/32

enum class MapHead { mask, boundary };
// "mask_head.0.weight"
std::string loss_head_name(MapHead head, int level, std::string_view part);

// (1, D) weight and (1) bias a level, for each of mask and boundary that has a weight above 0; none otherwise.
std::vector<ParameterSpec> loss_head_parameters(const NetworkConfig& network, const LossOptions& options);
// Weights N(0, 0.01) as the classifier's, biases 0; each tensor from its own stream of `seed`.
TensorMap init_loss_heads(const NetworkConfig& network, const LossOptions& options, std::uint64_t seed);

}  // namespace dfa::train
