// Adapter-only files: what belongs to a detector beside its trunk, and the hash of the trunk that it belongs to.
//
// Note [Adapter files]
// A safetensors file of kind "adapter", tensors in f32, so that merging rounds once, as the full export does.
// `dfa.base` is {"name", "sha256", "tuning"}: where the trunk came from, trunk_sha256() of it before training, and the
// word that says which tensors to expect (docs/training.md). The other `dfa.*` keys are those of a model file. A word
// made of linear, gba and lsa leaves the trunk as it was: the file holds parameters_beside_trunk(). With other words
// some of the trunk's tensors and factors of low rank come along; those are of train/export/adapter_file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

struct AdapterRecord {
  Model model;              // all but golden vectors and calibration; kind "adapter"
  std::string tuning;       // the word
  std::string base_name;    // for people: the trunk's file
  std::string base_sha256;  // trunk_sha256() of the trunk
};

// Every tensor of the network that is not the trunk's.
std::vector<ParameterSpec> parameters_beside_trunk(const NetworkConfig& config);
// The word for a network whose adapters were trained on a frozen trunk: "gba+lsa", "gba", "lsa", "linear".
std::string frozen_trunk_word(const NetworkConfig& config);

// Tensors are written as they are there: who calls has checked them against the word. Errors: file_unwritable.
Status write_adapter_record(const AdapterRecord& adapter, const std::filesystem::path& path);

// All but the tensors is checked; they are the caller's, who knows the word. Errors: file_*, model_format,
// model_incompatible (no adapter file, unknown or missing key).
Result<AdapterRecord> read_adapter_record(const std::filesystem::path& path);

// The trunk of `base` (any file that put_pretrained_trunk() reads) with the adapter's tensors over it. Errors: those of
// put_pretrained_trunk; model_incompatible, with both hashes, when the trunk is another than the adapter's.
Result<TensorMap> adapter_on_trunk(const AdapterRecord& adapter, const std::filesystem::path& base);

}  // namespace dfa
