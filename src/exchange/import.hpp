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
  std::vector<std::string> assumed;     // what the shapes do not tell: "heads = 12 (dim / 64)"
  std::vector<std::string> notes = {};  // what a user must know of the model besides, a sentence each
};

// The authors' .pt (zip or legacy), or safetensors with the same keys. Sizes follow from the shapes; heads = dim / 64,
// LSA heads 6 and equal stages are assumed unless set. GBA or LSA may be absent as a whole. Gives a detector. Errors:
// file_*, model_format, limit_exceeded; model_incompatible (sizes that cannot be told or do not fit together);
// model_tensors with the four lists; usage (--set, crop).
Result<Imported> import_official(const std::filesystem::path& path, const ImportSettings& settings);

// A plain ViT of timm, .pth or safetensors. `head.*` and `pre_logits.fc.*` are dropped by name and reported. Gives a
// backbone: trunk tensors only. Errors: as above.
Result<Imported> import_timm(const std::filesystem::path& path, const ImportSettings& settings);

// A folder as transformers writes it (config.json, model.safetensors or pytorch_model.bin), or one such file:
// CLIPModel, CLIPVisionModel, Dinov2Model, Dinov2WithRegistersModel, DINOv3ViTModel. A text tower and projections are
// dropped by name and reported. Gives a backbone. Errors: as above; model_incompatible for another model_type, and
// where config.json and shapes contradict each other.
Result<Imported> import_hf(const std::filesystem::path& path, const ImportSettings& settings);

// OpenAI's CLIP, a TorchScript archive that is read as data, or a state dict under the same names. Gives a backbone.
// Errors: as above.
Result<Imported> import_openai_clip(const std::filesystem::path& path, const ImportSettings& settings);

// DeepfakeBench's CLIP detector, ckpt_best.pth. Gives a detector. Errors: as above.
Result<Imported> import_dfb_clip(const std::filesystem::path& path, const ImportSettings& settings);

// GenD: the release's folder, its model.safetensors, or Lightning's .ckpt; encoders of CLIP and DINOv3. The backbone's
// own config.json is used where it lies below the folder, or beside it, in a folder of the backbone's name. Gives a
// detector whose face detector is ours, which its card and its records say. Errors: as above.
Result<Imported> import_gend(const std::filesystem::path& path, const ImportSettings& settings);

}  // namespace dfa
