// dfa export --to timm.
#pragma once

#include "exchange/export.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// A trunk as timm's VisionTransformer loads it strictly (with num_classes=0), in the type that its weights have. With
// registers the class token's position is added to the class token, as timm keeps no row for it. Errors:
// model_incompatible for adapters, rotary positions, and what timm's class cannot be built as.
Result<TensorFile> timm_file(const Model& model);

// The call that builds the network in timm: "VisionTransformer(img_size=224, ...)".
std::string timm_call(const NetworkConfig& config);

// Writes that file. Errors: as Exporter.
Result<Exported> export_timm(const ExportSettings& settings);

}  // namespace dfa
