// DINOv2 under the names of Hugging Face's transformers: Dinov2Model, Dinov2WithRegistersModel.
#pragma once

#include <string>

#include "base/result.hpp"
#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// `prefix` ends in a dot or is empty.
NameMap names_dinov2(const NetworkConfig& config, const std::string& prefix);

// The trunk of the tensors below `prefix`: sizes, registers and the gated MLP follow from their shapes, `heads` (0)
// does not. Errors: model_incompatible.
Result<NetworkConfig> dinov2_sizes(const TensorMap& theirs, const std::string& prefix);

}  // namespace dfa
