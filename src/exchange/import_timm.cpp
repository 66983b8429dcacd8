#include "exchange/adopt_trunk.hpp"
#include "exchange/import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/infer_timm.hpp"

namespace dfa {
namespace {

std::vector<std::string> drop_beside(TensorMap& tensors, TimmFamily family) {
  std::vector<std::string> dropped;
  std::erase_if(tensors, [&](const auto& entry) {
    const auto& [name, tensor] = entry;
    if (!is_beside_trunk(name, family)) return false;
    dropped.push_back(fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
    return true;
  });
  return dropped;
}

// With registers timm gives the class token no position of its own: what DINOv2's authors store there is added to the
// token, as timm's reader does. The same network, and one that timm can hold.
Status fold_class_position(Imported& imported) {
  TensorMap& weights = imported.model.weights;
  DFA_ASSIGN_OR_RETURN(std::vector<float> token, weights.at("cls_token").to_f32());
  const std::vector<std::int64_t> shape = weights.at("pos_embed").shape;
  DFA_ASSIGN_OR_RETURN(std::vector<float> positions, weights.at("pos_embed").to_f32());
  for (std::size_t i = 0; i < token.size(); ++i) token[i] += std::exchange(positions[i], 0.0F);
  weights["cls_token"] = Tensor::from_f32({1, 1, shape[2]}, token);
  weights["pos_embed"] = Tensor::from_f32(shape, positions);
  imported.notes.emplace_back("the class token's position was added to the class token, as timm does with registers");
  return {};
}

constexpr Refusal kRefusal = {"not a ViT with class token under timm's names (another network, or a variant of it)",
                              "use vit_* or deit_* weights of timm, or those of MAE or DINOv2; see docs/zoo.md"};

}  // namespace

Result<Imported> import_timm(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(SourceTensors source, read_source(path));
  imported.source = std::move(source.source);
  const TimmFamily family = timm_family(source.tensors, imported.source.wrapper.empty());
  imported.report.ignored = drop_beside(source.tensors, family);
  DFA_ASSIGN_OR_RETURN(TimmTrunk trunk, infer_timm(source.tensors, family, settings.set));
  model.config = trunk.config;
  imported.assumed = std::move(trunk.assumed);
  tell(settings, "looking at every value");
  const NameMap map = names_timm(at_image(trunk.config, trunk.stored_image), trunk.form);
  DFA_TRY(adopt_trunk(map, source.tensors, trunk.stored_image, trunk.rule, kRefusal, imported));
  if (trunk.config.registers > 0 && trunk.form.rows == TimmForm::PositionRows::every_token)
    DFA_TRY(fold_class_position(imported));
  model.kind = "backbone";
  model.name = model_name(settings, path);
  model.license = license_text(settings, "Not stated by the source file; see where it was published.");
  model.card = fmt::format("# {}\n\nA ViT trunk imported from {} (SHA-256 {}), to train adapters on.\n", model.name,
                           imported.source.file, imported.source.sha256);
  model.training = provenance_json("timm", imported);
  return imported;
}

}  // namespace dfa
