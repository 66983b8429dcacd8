#include "exchange/export_timm.hpp"

#include <algorithm>
#include <utility>

#include "exchange/names_timm.hpp"
#include "model/load_report.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

Status check_possible(const NetworkConfig& config) {
  const auto refuse = [](std::string_view what) {
    return fail(
        ErrorCode::model_incompatible,
        "timm's VisionTransformer cannot be built with {}\n  next step: dfa export --to onnx takes every network",
        what);
  };
  if (config.gba || config.lsa) return refuse("adapters");
  if (config.positions != Positions::learned) return refuse("rotary positions");
  if (config.pre_norm == config.patch_bias)
    return refuse(config.pre_norm ? "a patch bias before a norm" : "patches without bias and without a norm");
  if (config.distilled && config.registers > 0) return refuse("both distillation and register tokens");
  return {};
}

// timm keeps no position for the class token where there are registers.
Status fold_class_position(TensorMap& weights) {
  Tensor& table = weights.at("pos_embed");
  DFA_ASSIGN_OR_RETURN(std::vector<float> positions, table.to_f32());
  DFA_ASSIGN_OR_RETURN(std::vector<float> token, weights.at("cls_token").to_f32());
  const auto row = std::span(positions).first(token.size());
  if (std::ranges::all_of(row, [](float value) { return value == 0; })) return {};
  const Dtype dtype = weights.at("cls_token").dtype;
  for (std::size_t i = 0; i < token.size(); ++i) token[i] += std::exchange(row[i], 0.0F);
  weights["cls_token"] = convert_floats(Tensor::from_f32(weights.at("cls_token").shape, token), dtype);
  table = convert_floats(Tensor::from_f32(table.shape, positions), table.dtype);
  return {};
}

}  // namespace

std::string timm_call(const NetworkConfig& config) {
  std::string call =
      fmt::format("{}(img_size={}, patch_size={}, embed_dim={}, depth={}, num_heads={}, mlp_ratio={}/{}",
                  config.distilled ? "timm.models.deit.VisionTransformerDistilled"
                                   : "timm.models.vision_transformer.VisionTransformer",
                  config.image, config.patch, config.dim, config.depth, config.heads, config.mlp_inner(), config.dim);
  if (config.gated_mlp) call += ", mlp_layer=timm.layers.SwiGLUPacked";
  if (config.activation == Activation::silu) call += ", act_layer=torch.nn.SiLU";
  if (config.activation == Activation::quick_gelu) call += ", act_layer='quick_gelu'";
  if (config.pre_norm) call += ", pre_norm=True";
  if (config.layer_scale) call += ", init_values=1";
  if (config.registers > 0) call += fmt::format(", reg_tokens={}, no_embed_class=True", config.registers);
  return call +
         fmt::format(", norm_layer=functools.partial(torch.nn.LayerNorm, eps={}), num_classes=0)", config.norm_eps);
}

Result<TensorFile> timm_file(const Model& model) {
  const NetworkConfig& config = model.config;
  DFA_TRY(check_possible(config));
  TensorMap weights;
  for (const ParameterSpec& spec : trunk_parameters(config)) {
    const auto found = model.weights.find(spec.name);
    if (found != model.weights.end()) weights.insert(*found);
  }
  if (config.registers > 0) DFA_TRY(fold_class_position(weights));
  TensorFile file;
  DFA_ASSIGN_OR_RETURN(file.tensors, to_theirs(names_timm(config, timm_form(config)), weights));
  file.metadata["format"] = "pt";
  return file;
}

Result<Exported> export_timm(const ExportSettings& settings) {
  DFA_TRY(check_taken(settings, "timm", TakesBase::no, TakesDtype::no));
  DFA_ASSIGN_OR_RETURN(const Model model, model_to_export(settings));
  DFA_ASSIGN_OR_RETURN(const TensorFile file, timm_file(model));
  DFA_TRY(write_safetensors(file, settings.out));
  Exported exported{.name = model.name, .files = {}, .tensors = file.tensors.size(), .facts = {}, .left_out = {}};
  exported.facts.push_back("timm loads it strictly into " + timm_call(model.config));
  for (const auto& [name, tensor] : model.weights)
    if (name.starts_with("head.")) exported.left_out.push_back(name + ": a trunk has no head");
  leave_out_scales(model, exported);
  DFA_ASSIGN_OR_RETURN(exported.files.emplace_back(), exported_file(settings.out));
  return exported;
}

}  // namespace dfa
