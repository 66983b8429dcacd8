// The text half of a model file alone: what it is, without a look at its tensors.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

// A model without weights and golden vectors. Nothing for a file that does not say what it is: torch checkpoints,
// safetensors of others. Errors: file_*, model_format, model_incompatible.
Result<std::optional<Model>> read_model_text(const std::filesystem::path& path);

}  // namespace dfa
