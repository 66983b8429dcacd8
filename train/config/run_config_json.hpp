// The values of a training configuration as JSON, one by one, with their ranges. Inside train/config only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.hpp"
#include "train/config/run_config.hpp"

namespace dfa::train {

using Json = nlohmann::ordered_json;

// Every key.
Json run_config_to_json(const RunConfig& config);
// `json` holds every key, each of the right kind; its "network" is not read, `network` stands for it. Errors: usage for
// values out of range.
Result<RunConfig> run_config_from_json(const Json& json, const NetworkConfig& network);

// For messages.
std::string short_dump(const Json& json);

}  // namespace dfa::train
