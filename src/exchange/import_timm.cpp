#include "exchange/import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/infer_config.hpp"

namespace dfa {
namespace {

// The classifier of the pre-training task, and the layer that some files have before it.
constexpr std::string_view kIgnoredPrefixes[] = {"head.", "pre_logits.fc."};

std::vector<std::string> drop_ignored(TensorMap& tensors) {
  std::vector<std::string> dropped;
  std::erase_if(tensors, [&](const auto& entry) {
    const auto& [name, tensor] = entry;
    for (const std::string_view prefix : kIgnoredPrefixes) {
      if (!name.starts_with(prefix)) continue;
      dropped.push_back(fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
      return true;
    }
    return false;
  });
  return dropped;
}

}  // namespace

Result<Imported> import_timm(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  DFA_ASSIGN_OR_RETURN(SourceTensors source, read_source(path));
  imported.source = std::move(source.source);
  std::vector<std::string> ignored = drop_ignored(source.tensors);
  DFA_ASSIGN_OR_RETURN(InferredConfig inferred, infer_config(source.tensors, Adapters::none, settings.set));
  imported.assumed = std::move(inferred.assumed);
  model.config = inferred.config;
  imported.report = compare_tensors(trunk_parameters(model.config), source.tensors);
  imported.report.ignored = std::move(ignored);
  DFA_TRY(require_all(imported.report, "not timm's plain ViT with class token (another network, or a variant of it)",
                      "use vit_*_patch*_224 weights of timm"));
  model.kind = "backbone";
  model.name = model_name(settings, path);
  model.weights = std::move(source.tensors);
  model.license = "Not stated by the source file; see where it was published.";
  model.card = fmt::format("# {}\n\nA ViT trunk imported from {} (SHA-256 {}), to train adapters on.\n", model.name,
                           imported.source.file, imported.source.sha256);
  model.training = provenance_json("timm", imported);
  return imported;
}

}  // namespace dfa
