// OpenAI's CLIP: a TorchScript archive, or a state dict, of both towers.
#include "exchange/adopt_trunk.hpp"
#include "exchange/detector_import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/known_sources.hpp"
#include "exchange/trunk_layout.hpp"

namespace dfa {
namespace {

// The text tower, the projections of both, and three numbers that the archive keeps as tensors.
const std::vector<std::string>& not_vision() {
  static const std::vector<std::string> prefixes = {
      "visual.proj",     "transformer.", "token_embedding.", "positional_embedding", "ln_final.",
      "text_projection", "logit_scale",  "input_resolution", "context_length",       "vocab_size"};
  return prefixes;
}

}  // namespace

Result<Imported> import_openai_clip(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(SourceTensors read, read_source(path));
  imported.source = std::move(read.source);
  const TrunkSource source{.layout = &kOpenaiClipLayout, .ignored_prefixes = not_vision()};
  DFA_TRY(take_trunk(imported, std::move(read.tensors), source, settings));
  imported.model.name = model_name(settings, path);
  imported.model.training = provenance_json("openai-clip", imported);
  finish_backbone(imported, settings, kClipLicense);
  return imported;
}

}  // namespace dfa
