// timm's names of a ViT's tensors, which are ours, and those that differ in the files of DINOv2's authors.
#pragma once

#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// How a trunk lies in a file.
struct TimmForm {
  // authors: DINOv2's: register_tokens, and w12 and w3 of a gated MLP.
  enum class Spelling { timm, authors } spelling = Spelling::timm;
  // patches: the table has no row for class and distillation token; ours gets rows of zeros there.
  enum class PositionRows { every_token, patches } rows = PositionRows::every_token;
};

// Every tensor of trunk_parameters(config), once.
NameMap names_timm(const NetworkConfig& config, const TimmForm& form);

// How timm itself has this network: with registers, positions of patches alone.
TimmForm timm_form(const NetworkConfig& config);

}  // namespace dfa
