// CLIP's vision tower under OpenAI's own names, `visual.*`.
#pragma once

#include "base/result.hpp"
#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

NameMap names_openai_clip(const NetworkConfig& config);

// As clip_sizes, for these names.
Result<NetworkConfig> openai_clip_sizes(const TensorMap& theirs);

}  // namespace dfa
