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
