// The named tensors of a checkpoint, whatever container and wrapper it came in.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"
#include "tensorfile/torch_file.hpp"

namespace dfa {

struct StateDict {
  TensorMap tensors;      // under their names without `module.`
  std::string container;  // "torch zip", "torch legacy", "torchscript archive", "safetensors"
  std::string wrapper;    // "best_state_dict", "model" ...; "model.state_dict" where nested; empty for a bare dict
  std::size_t stripped_prefixes = 0;         // names that carried `module.`
  std::vector<std::string> ignored;          // what lies beside the tensors, in words: "optimizer: dict of 2"
  std::vector<std::string> foreign_globals;  // Python names that the file mentions and that were not touched
};

// Finds the state dict: the root itself, or below `best_state_dict`, `state_dict` or `model` (in this order where there
// are several, which is reported), and reads its tensors; those of a TorchScript archive by their attributes. Errors:
// model_format (a whole-object pickle; no tensors; a tensor that depends on an unknown global, with its name; names
// that become equal without `module.`).
Result<StateDict> find_state_dict(TorchFile& file);

// Either torch container, or safetensors. Errors: file_*, model_format, limit_exceeded.
Result<StateDict> read_state_dict(const std::filesystem::path& path, const TorchLimits& limits = {});
Result<StateDict> parse_state_dict(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                   const TorchLimits& limits = {});

}  // namespace dfa
