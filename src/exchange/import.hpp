// Checkpoints of other programs as model files.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/load_report.hpp"
#include "model/model.hpp"

namespace dfa {

inline constexpr int kGoldenBySize = -1;

struct ImportSettings {
  // "key=value" as for set_network_field; they override what follows from the shapes.
  std::vector<std::string> set = {};
  // What records call the model; empty: the file's name without suffix.
  std::string name = {};
  // Crop recipe by name; empty: the detector's own, or aligned1.3 where its authors never published theirs.
  std::string crop = {};
  // How save_model will be told to store the weights: the golden vectors are computed from the rounded ones.
  Dtype weights_dtype = Dtype::f32;
  // Synthetic crops that are put into the file with the ref engine's logits, as its own proof. 0: none.
  // kGoldenBySize: 2, but none for a network that the ref engine would need minutes for.
  int golden_crops = kGoldenBySize;
  // For those logits; 0: every processor.
  int threads = 0;
  // What the model file says of its licence; empty: what is known of the source.
  std::string license = {};
  // Told what begins, in a word or two; may be empty. A large file takes half a minute.
  std::function<void(std::string_view)> progress = {};
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

using Importer = Result<Imported> (*)(const std::filesystem::path&, const ImportSettings&);

enum class ImportGives { detector, backbone };

// `dfa import WORD`.
struct ImportKind {
  std::string_view word;
  std::string_view help;
  std::string_view source;  // what FILE is
  ImportGives gives;        // a detector carries a crop recipe and golden vectors
  Importer import;
};

// Every kind of file that can be imported, in the order of the help.
std::span<const ImportKind> import_kinds();

// By the kind's word. Errors: usage for a word that is none; as the importer.
Result<Imported> import_by_word(std::string_view word, const std::filesystem::path& path,
                                const ImportSettings& settings);

// The authors' .pt (zip or legacy), or safetensors with the same keys. Sizes follow from the shapes; heads = dim / 64,
// LSA heads 6 and equal stages are assumed unless set. GBA or LSA may be absent as a whole. Gives a detector. Errors:
// file_*, model_format, limit_exceeded; model_incompatible (sizes that cannot be told or do not fit together);
// model_tensors with the four lists; usage (--set, crop).
Result<Imported> import_official(const std::filesystem::path& path, const ImportSettings& settings);

// A ViT under timm's names, .pth or safetensors: plain, DeiT with distillation token, CLIP, DINOv2; also as MAE's and
// DINOv2's authors publish theirs. Which it is follows from its names. Heads, decoder and mask token are dropped by
// name and reported. `image` may be set: positions are resampled. Gives a backbone: trunk tensors only. Errors: as
// above.
Result<Imported> import_timm(const std::filesystem::path& path, const ImportSettings& settings);

// A plain ViT of Google's, .npz of numpy.savez. The classifier and pre_logits are dropped by name and reported. Gives a
// backbone. Errors: as above.
Result<Imported> import_google_npz(const std::filesystem::path& path, const ImportSettings& settings);

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
