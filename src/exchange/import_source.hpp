// What all importers share. Private to the room.
#pragma once

#include "exchange/import.hpp"

namespace dfa {

struct SourceTensors {
  ImportSource source;
  TensorMap tensors;  // f64 values as f32
};

// Errors: file_*, model_format, limit_exceeded; usage for a file that is a model file already.
Result<SourceTensors> read_source(const std::filesystem::path& path);

// JSON for dfa.training: where the weights came from. `kind`: "official", "timm".
std::string provenance_json(std::string_view kind, const Imported& imported);

// How many golden crops are made for a network of this configuration.
int golden_count(const ImportSettings& settings, const NetworkConfig& config);

// What --license says, else `known`.
std::string license_text(const ImportSettings& settings, std::string_view known);

std::string model_name(const ImportSettings& settings, const std::filesystem::path& path);

}  // namespace dfa
