// What a model file says of the trunk that it holds.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// Nothing for a file that is no model file. Errors: those of read_model_text().
Result<std::optional<NetworkConfig>> trunk_of_file(const std::filesystem::path& path);

// Fields of `network` that `trunk` has otherwise, a line each: "network.heads is 12, the file's trunk has 16". Empty
// where it can take the trunk. Rotary positions fit every image size, learned ones do not.
std::string trunk_differences(const NetworkConfig& network, const NetworkConfig& trunk);

}  // namespace dfa
