// CLIP's vision tower under the names of Hugging Face's transformers: CLIPModel, CLIPVisionModel, GenD, DeepfakeBench.
#pragma once

#include <string>

#include "base/result.hpp"
#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// `prefix` ends in a dot or is empty: "vision_model.", "feature_extractor.vision_model.", "backbone.".
NameMap names_clip(const NetworkConfig& config, const std::string& prefix);

// The tower of the tensors below `prefix`: sizes follow from their shapes, `heads` (0) does not; quick-GELU and eps are
// CLIP's. Errors: model_incompatible.
Result<NetworkConfig> clip_sizes(const TensorMap& theirs, const std::string& prefix);

}  // namespace dfa
