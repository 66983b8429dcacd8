// Where the weights and the configuration of a model lie that was given as a folder or as a file. Private to the room.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace dfa {

struct SourcePlace {
  std::filesystem::path weights;
  std::filesystem::path folder;                 // that holds them
  std::optional<std::filesystem::path> config;  // config.json beside them
  std::string name;                             // the folder's name where the file's says nothing ("model.safetensors")
};

// Errors: file_not_found (a folder without weights); model_incompatible for weights in several files.
Result<SourcePlace> find_source(const std::filesystem::path& path);

}  // namespace dfa
