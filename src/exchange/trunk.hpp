// The trunk of a network by itself: taken from a file, and told apart from others.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Replaces every trunk tensor of `weights` by that of the file (a model file, safetensors, or .pt/.pth of either
// container). Strict: all tensors of group trunk must be there with their shapes. The file's own classifier (head.*,
// pre_logits.*) is ignored; anything else is an error. A model file that says what trunk it holds must say what
// `config` says. Errors: file_*, model_format, model_tensors; model_incompatible, naming the fields that differ.
Status put_pretrained_trunk(const NetworkConfig& config, const std::filesystem::path& path, TensorMap& weights);

// SHA-256 over the trunk's tensors of network_parameters(), ordered by name: for each its name, a line feed, its shape
// ("768x3x16x16"), a line feed, then its values as little-endian f32. So it does not depend on the container, and a
// trunk widened from f16 has the hash of its f32 values. Requires: floating-point trunk tensors, all there.
std::string trunk_sha256(const NetworkConfig& network, const TensorMap& weights);

}  // namespace dfa
