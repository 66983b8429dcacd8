// DINOv3 under the names of Hugging Face's transformers: DINOv3ViTModel, GenD's DINOv3.
#pragma once

#include <string>

#include "base/result.hpp"
#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// Which of q, k and v carry a bias in a file; ours is then zero. As published: all but k.
struct Dinov3Biases {
  bool query = true;
  bool key = false;
  bool value = true;
};

// `prefix` ends in a dot or is empty.
NameMap names_dinov3(const NetworkConfig& config, const std::string& prefix, const Dinov3Biases& biases);

// Those that some layer has.
Dinov3Biases dinov3_biases(const TensorMap& theirs, const std::string& prefix);

// The trunk of the tensors below `prefix`: sizes, registers and the gated MLP follow from their shapes; `heads` (0) and
// the picture's side (0, as positions are computed) do not. Errors: model_incompatible.
Result<NetworkConfig> dinov3_sizes(const TensorMap& theirs, const std::string& prefix);

}  // namespace dfa
