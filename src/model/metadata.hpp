// The text half of a model file: everything of a Model but its tensors, as `dfa.*` metadata. Private to the room.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

using Metadata = std::map<std::string, std::string, std::less<>>;

inline constexpr int kModelFormat = 1;        // what is written
inline constexpr int kOldestModelFormat = 1;  // what is read, with kModelFormat
inline constexpr std::string_view kDetector = "detector";
inline constexpr std::string_view kBackbone = "backbone";

Metadata model_metadata(const Model& model);

// A model without tensors. Errors: model_incompatible (no model file, format, kind, unknown or missing key, a record
// that does not parse).
Result<Model> parse_metadata(const Metadata& metadata);

}  // namespace dfa
