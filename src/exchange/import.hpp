// Foreign checkpoints as model files: the authors' DeepFake-Adapter weights, and timm's plain ViT.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/load_report.hpp"
#include "model/model.hpp"

namespace dfa {

struct ImportSettings {
  // "key=value" as for set_network_field; they override what follows from the shapes.
  std::vector<std::string> set = {};
  // What records call the model; empty: the file's name without suffix.
  std::string name = {};
  // Crop recipe by name. The authors never published theirs; this one is ours.
  std::string crop = "aligned1.3";
  // How save_model will be told to store the weights: the golden vectors are computed from the rounded ones.
  Dtype weights_dtype = Dtype::f32;
  // Synthetic crops that are put into the file with the ref engine's logits, as its own proof. 0: none.
  int golden_crops = 2;
  // For those logits; 0: every processor.
  int threads = 0;
};

// The file that was read, for reports and as provenance.
struct ImportSource {
  std::string file;  // its name, without folders
  std::string sha256;
  std::string container;                     // "torch zip", "torch legacy", "safetensors"
  std::string wrapper;                       // key of the state dict, empty for a bare one
  std::size_t stripped_prefixes = 0;         // tensor names that carried `module.`
  std::vector<std::string> ignored;          // what lay beside the tensors
  std::vector<std::string> foreign_globals;  // Python names that were not touched
};

struct Imported {
  Model model;
  LoadReport report;  // ok(), else the import would have failed
  ImportSource source;
  std::vector<std::string> assumed;  // what the shapes do not tell: "heads = 12 (dim / 64)"
};

// The authors' .pt (zip or legacy), or safetensors with the same keys. Sizes follow from the shapes; heads = dim / 64,
// LSA heads 6 and equal stages are assumed unless set. GBA or LSA may be absent as a whole. Gives a detector. Errors:
// file_*, model_format, limit_exceeded; model_incompatible (sizes that cannot be told or do not fit together);
// model_tensors with the four lists; usage (--set, crop).
Result<Imported> import_official(const std::filesystem::path& path, const ImportSettings& settings);

// A plain ViT of timm, .pth or safetensors. `head.*` and `pre_logits.fc.*` are dropped by name and reported. Gives a
// backbone: trunk tensors only. Errors: as above.
Result<Imported> import_timm(const std::filesystem::path& path, const ImportSettings& settings);

}  // namespace dfa
