// Adapter-only files of a run, whatever its tuning: see Note [Adapter files] in exchange/adapter_file.hpp. There is no
// such file for tuning "full": it would be the model.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "exchange/adapter_file.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

struct AdapterFile {
  AdapterRecord record;  // its weights are adapter_parameters(); its word is that of `tuning`
  Tuning tuning;
};

// The tensors that an adapter file holds: all but the trunk's frozen ones.
std::vector<ParameterSpec> adapter_parameters(const NetworkConfig& network, const Tuning& tuning);

// Errors: usage for tuning "full"; model_tensors; file_unwritable.
Status write_adapter(const AdapterFile& adapter, const std::filesystem::path& path);

// Strict. Errors: file_*, model_format, model_incompatible (no adapter file, unknown or missing key), model_tensors
// with every missing, unexpected and mis-shaped tensor.
Result<AdapterFile> read_adapter(const std::filesystem::path& path);

// The whole network's plain weights: adapter_on_trunk() with factors multiplied out. Errors: those of
// adapter_on_trunk().
Result<TensorMap> merged_weights(const AdapterFile& adapter, const std::filesystem::path& base);

}  // namespace dfa::train
