// A pre-trained trunk for a new network.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa::train {

// Replaces every trunk tensor of `weights` by that of the file (a model file, safetensors, or .pt/.pth of either
// container). Strict: all tensors of group trunk must be there with their shapes. The file's own classifier (head.*,
// pre_logits.*) is ignored; anything else is an error. A model file that says what trunk it holds must say what
// `config` says. Errors: file_*, model_format, model_tensors; model_incompatible, naming the fields that differ.
Status put_pretrained_trunk(const NetworkConfig& config, const std::filesystem::path& path, TensorMap& weights);

}  // namespace dfa::train
