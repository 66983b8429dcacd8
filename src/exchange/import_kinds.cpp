#include <algorithm>

#include "exchange/import.hpp"

namespace dfa {
namespace {

// One row a kind: the command's subcommands, their help and the golden tests all follow.
constexpr ImportKind kKinds[] = {
    {"official", "DeepFake-Adapter weights of the authors' program",
     "the checkpoint: .pt or .pth (zip or legacy), or safetensors", ImportGives::detector, import_official},
    {"timm",
     "a ViT of timm (plain, DeiT, CLIP, DINOv2), MAE's or DINOv2's own files, as the trunk to train adapters on",
     "the checkpoint: .pt or .pth (zip or legacy), or safetensors", ImportGives::backbone, import_timm},
    {"google-npz", "a plain ViT of Google's vision_transformer and augreg, as the trunk to train adapters on",
     "the archive, .npz", ImportGives::backbone, import_google_npz},
    {"hf", "CLIP's vision tower, DINOv2 or DINOv3 of Hugging Face's transformers, as the trunk to train adapters on",
     "a folder with config.json and model.safetensors or pytorch_model.bin, or the weights' file",
     ImportGives::backbone, import_hf},
    {"openai-clip", "OpenAI's CLIP, its vision tower, as the trunk to train adapters on",
     "OpenAI's .pt (a TorchScript archive, read as data), or a state dict", ImportGives::backbone, import_openai_clip},
    {"dfb-clip", "DeepfakeBench's CLIP detector", "ckpt_best.pth", ImportGives::detector, import_dfb_clip},
    {"gend", "GenD, a published detector on CLIP or DINOv3; its face detector is replaced by this program's",
     "the release's folder (config.json, model.safetensors), its weights' file, or Lightning's .ckpt",
     ImportGives::detector, import_gend},
};

}  // namespace

std::span<const ImportKind> import_kinds() {
  return kKinds;
}

Result<Imported> import_by_word(std::string_view word, const std::filesystem::path& path,
                                const ImportSettings& settings) {
  const auto* const kind = std::ranges::find(kKinds, word, &ImportKind::word);
  if (kind == std::end(kKinds)) return fail(ErrorCode::usage, "nothing is imported as \"{}\"", word);
  return kind->import(path, settings);
}

}  // namespace dfa
