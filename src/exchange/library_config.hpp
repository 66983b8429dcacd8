// What the config.json of Hugging Face's transformers says of a trunk. Private to the room.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa {

struct LibraryConfig {
  std::string model_type;  // "clip_vision_model" also where the file is of the whole CLIP
  // Sizes that the file states; the shapes of the tensors must agree.
  std::optional<int> image, patch, dim, depth;
  // Taken for the tensors' expected shapes, so that a tensor of another one, or none, is named.
  std::optional<int> mlp, registers;
  std::optional<bool> gated_mlp;
  // What no shape tells; the library's own default where the file leaves it out.
  int heads = 0;
  Activation activation = Activation::gelu;
  double norm_eps = 0;
  double rotary_base = 0;             // of DINOv3
  std::vector<std::string> defaults;  // those that were left out: "heads = 12 (transformers' default)"
};

// Errors: file_*; model_incompatible (no JSON, another kind of model, a value that cannot be).
Result<LibraryConfig> read_library_config(const std::filesystem::path& path);

// Refuses a size that differs between the file and the shapes, by its name in the file. Errors: model_incompatible.
Status check_against_shapes(const LibraryConfig& stated, const NetworkConfig& shapes);

}  // namespace dfa
