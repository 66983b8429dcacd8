// The trunk in a model file: what the file says it is, and what a network that begins with it takes from that.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa::train {

// Nothing for a file that is no model file. Errors: those of read_model_text().
Result<std::optional<NetworkConfig>> trunk_of_file(const std::filesystem::path& path);

// Copies what belongs to the trunk: image and patch, sizes, activation, norms, tokens, positions.
void take_trunk(const NetworkConfig& trunk, NetworkConfig& network);

// How adapters lie on a trunk of any size, where nobody says.
//   heads of the interactions: 6, as published, where that divides dim; else the divisor of dim nearest to dim / 128,
//   the published width of a head (of two equally near ones the smaller)
//   stages: three of equal length, of unequal depth the later ones longer; one a block below three blocks
int interaction_heads(int dim);
std::vector<StageRange> even_stages(int depth);

// Fields of `network` that `trunk` has otherwise, a line each: "network.heads is 12, the file's trunk has 16". Empty
// where it can take the trunk. Rotary positions fit every image size, learned ones do not.
std::string trunk_differences(const NetworkConfig& network, const NetworkConfig& trunk);

}  // namespace dfa::train
