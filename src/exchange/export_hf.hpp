// Trunks for Hugging Face's transformers, under its own names: what CLIPVisionModel, Dinov2Model,
// Dinov2WithRegistersModel and DINOv3ViTModel load strictly.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "exchange/export.hpp"
#include "model/model.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

struct HfFiles {
  std::string architecture;           // "CLIPVisionModel"
  std::string config;                 // config.json
  TensorFile weights;                 // model.safetensors
  std::vector<std::string> left_out;  // a detector's head: "head.1.weight: the trunk's class has no head"
};

// Errors: model_incompatible for a trunk that is none of those kinds, for adapters, and for a learned k bias in DINOv3.
Result<HfFiles> hf_files(const Model& model);

// Both files into `folder`, which is made where it is not there. Errors: as above; file_unwritable.
Status write_hf_folder(const HfFiles& files, const std::filesystem::path& folder);

// `dfa export --to hf`: `settings.out` is a folder. Of a detector without adapters the trunk is written, and its head
// is listed as left out. Errors: as Exporter.
Result<Exported> export_hf(const ExportSettings& settings);

}  // namespace dfa
