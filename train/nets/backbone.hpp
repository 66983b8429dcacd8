// What a network takes from the trunk that it begins with, and how adapters lie on a trunk of any size.
#pragma once

#include <vector>

#include "nn/network_config.hpp"

namespace dfa::train {

// Copies what belongs to the trunk: image and patch, sizes, activation, norms, tokens, positions.
void take_trunk(const NetworkConfig& trunk, NetworkConfig& network);

// Where nobody says otherwise:
//   heads of the interactions: 6, as published, where that divides dim; else the divisor of dim nearest to dim / 128,
//   the published width of a head (of two equally near ones the smaller)
//   stages: three of equal length, of unequal depth the later ones longer; one a block below three blocks
int interaction_heads(int dim);
std::vector<StageRange> even_stages(int depth);

}  // namespace dfa::train
