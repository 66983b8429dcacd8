// dfa export --to onnx.
#pragma once

#include "exchange/export.hpp"

namespace dfa {

// A detector or a trunk as an ONNX model: docs/cli.md says what its inputs, outputs and metadata are. Weights are f32;
// beyond 2 GiB they lie in FILE.data. Memory: the model file's mapping and its largest tensor. Errors: as Exporter.
Result<Exported> export_onnx(const ExportSettings& settings);

}  // namespace dfa
