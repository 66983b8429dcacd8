// Adapter-only files: what a run has trained, and the hash of the trunk that it belongs to.
//
// Note [Adapter files]
// A safetensors file of kind "adapter": every tensor of training_parameters() but the trunk's frozen ones, in f32, so
// that merging rounds once, as the full export does. `dfa.base` is {"name", "sha256", "tuning"}: where the trunk came
// from, trunk_sha256() of it before training, and the word that says which tensors to expect. The other `dfa.*` keys
// are those of a model file. There is no such file for tuning "full": it would be the model.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

struct AdapterFile {
  Model model;  // all but golden vectors; its weights are adapter_parameters()
  Tuning tuning;
  std::string base_name;    // for people: the pre-trained file's name
  std::string base_sha256;  // trunk_sha256() of the trunk it was trained on
};

// The tensors that an adapter file holds: all but the trunk's frozen ones.
std::vector<ParameterSpec> adapter_parameters(const NetworkConfig& network, const Tuning& tuning);

// Errors: usage for tuning "full"; model_tensors; file_unwritable.
Status write_adapter(const AdapterFile& adapter, const std::filesystem::path& path);

// Strict. Errors: file_*, model_format, model_incompatible (no adapter file, unknown or missing key), model_tensors
// with every missing, unexpected and mis-shaped tensor.
Result<AdapterFile> read_adapter(const std::filesystem::path& path);

// The whole network's plain weights: the trunk of `base` (any file that put_pretrained_trunk() reads) with the
// adapter's tensors over it and factors multiplied out. Errors: those of put_pretrained_trunk; model_incompatible, with
// both hashes, when the trunk is another than the adapter's.
Result<TensorMap> merged_weights(const AdapterFile& adapter, const std::filesystem::path& base);

}  // namespace dfa::train
