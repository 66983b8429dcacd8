// The names of Google's vision_transformer and augreg archives (.npz): kernels lie as (in, out), those of attention
// split by head, the patches' as rows, columns, channels, width.
#pragma once

#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// Every tensor of trunk_parameters(config), once. Requires a plain ViT: one class token, learned positions, no layer
// scale, no gate.
NameMap names_google(const NetworkConfig& config);

}  // namespace dfa
