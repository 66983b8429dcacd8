#include "exchange/export_hf.hpp"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "base/file.hpp"
#include "exchange/name_map.hpp"
#include "exchange/names_clip.hpp"
#include "exchange/names_dinov2.hpp"
#include "exchange/names_dinov3.hpp"
#include "model/strict_json.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

constexpr const char* kClipPrefix = "vision_model.";
// Dinov2 rounds the width of its gated MLP up to a multiple of this.
constexpr int kGatedMultiple = 8;

tl::unexpected<Error> no_class(std::string_view why) {
  return fail(ErrorCode::model_incompatible,
              "transformers has no class for this trunk: {}\n"
              "  next step: dfa export --to onnx, or the library that the weights came from",
              why);
}

std::string_view activation_word(Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return "gelu";
    case Activation::quick_gelu:
      return "quick_gelu";
    case Activation::silu:
      return "silu";
  }
  return "gelu";
}

// The fields that all classes share, with the class's name in front.
Json common_fields(const NetworkConfig& config, std::string_view architecture, std::string_view type) {
  return Json::object({{"architectures", Json::array({architecture})},
                       {"model_type", type},
                       {"hidden_size", config.dim},
                       {"num_hidden_layers", config.depth},
                       {"num_attention_heads", config.heads},
                       {"image_size", config.image},
                       {"patch_size", config.patch},
                       {"num_channels", 3},
                       {"hidden_act", activation_word(config.activation)},
                       {"layer_norm_eps", config.norm_eps}});
}

struct Form {
  std::string_view architecture;
  Json config;
  NameMap names;
};

Result<Form> clip_form(const NetworkConfig& config) {
  if (config.patch_bias || config.layer_scale || config.registers > 0 || config.gated_mlp ||
      config.positions != Positions::learned)
    return no_class("a norm before the blocks, but otherwise not as in CLIP");
  Form form{.architecture = "CLIPVisionModel", .config = {}, .names = names_clip(config, kClipPrefix)};
  form.config = common_fields(config, form.architecture, "clip_vision_model");
  form.config["intermediate_size"] = config.mlp;
  return form;
}

// Dinov2 states its MLP as a ratio of the width, rounded down; a gated one is two thirds of that, rounded up to 8.
Json mlp_ratio(const NetworkConfig& config) {
  const int hidden = config.gated_mlp ? (config.mlp * 3 + 1) / 2 : config.mlp;
  if (hidden % config.dim == 0) return hidden / config.dim;
  return (hidden + 0.5) / config.dim;
}

Result<Form> dinov2_form(const NetworkConfig& config) {
  if (config.gated_mlp && (config.mlp % kGatedMultiple != 0 || config.activation != Activation::silu))
    return no_class(fmt::format("a gated MLP of {} with {}; Dinov2's has silu and a multiple of {}", config.mlp,
                                activation_word(config.activation), kGatedMultiple));
  const bool registers = config.registers > 0;
  Form form{.architecture = registers ? "Dinov2WithRegistersModel" : "Dinov2Model",
            .config = {},
            .names = names_dinov2(config, "")};
  form.config = common_fields(config, form.architecture, registers ? "dinov2_with_registers" : "dinov2");
  form.config["mlp_ratio"] = mlp_ratio(config);
  form.config["use_swiglu_ffn"] = config.gated_mlp;
  if (registers) form.config["num_register_tokens"] = config.registers;
  return form;
}

Result<Form> dinov3_form(const NetworkConfig& config) {
  Form form{.architecture = "DINOv3ViTModel", .config = {}, .names = names_dinov3(config, "", {})};
  form.config = common_fields(config, form.architecture, "dinov3_vit");
  form.config["intermediate_size"] = config.mlp;
  form.config["use_gated_mlp"] = config.gated_mlp;
  form.config["num_register_tokens"] = config.registers;
  form.config["rope_theta"] = config.rotary_base;
  form.config["key_bias"] = false;
  return form;
}

Result<Form> form_of(const NetworkConfig& config) {
  if (config.gba || config.lsa) return no_class("adapters have no place in it");
  if (config.distilled) return no_class("a distillation token");
  if (config.pre_norm) return clip_form(config);
  if (!config.layer_scale || !config.patch_bias) return no_class("neither CLIP's norm nor DINO's layer scale");
  return config.positions == Positions::rotary ? dinov3_form(config) : dinov2_form(config);
}

// The mask token is of training alone, but the classes want one: zeros, as they begin with.
void add_mask_token(const Form& form, const NetworkConfig& config, TensorMap& tensors) {
  if (form.architecture == "CLIPVisionModel") return;
  std::vector<std::int64_t> shape = {1, config.dim};
  if (config.positions == Positions::rotary) shape.insert(shape.begin(), 1);
  const Tensor zeros =
      Tensor::from_f32(std::move(shape), std::vector<float>(static_cast<std::size_t>(config.dim), 0.0F));
  tensors.emplace("embeddings.mask_token", convert_floats(zeros, tensors.begin()->second.dtype));
}

std::string_view dtype_word(const TensorMap& tensors) {
  return tensors.begin()->second.dtype == Dtype::f16 ? "float16" : "float32";
}

}  // namespace

Result<HfFiles> hf_files(const Model& model) {
  DFA_ASSIGN_OR_RETURN(Form form, form_of(model.config));
  HfFiles files{.architecture = std::string(form.architecture), .config = {}, .weights = {}, .left_out = {}};
  DFA_ASSIGN_OR_RETURN(files.weights.tensors, to_theirs(form.names, model.weights));
  for (const auto& entry : model.weights) {
    const std::string& name = entry.first;
    if (std::ranges::none_of(form.names, [&](const MappedTensor& mapped) { return mapped.name == name; }))
      files.left_out.push_back(fmt::format("{}: {} has no place for it", name, form.architecture));
  }
  add_mask_token(form, model.config, files.weights.tensors);
  files.weights.metadata["format"] = "pt";
  form.config["dtype"] = dtype_word(files.weights.tensors);
  files.config = form.config.dump(2) + "\n";
  return files;
}

Status write_hf_folder(const HfFiles& files, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  if (!std::filesystem::is_directory(folder, error))
    return fail(ErrorCode::file_unwritable,
                "{}: not a folder, and none could be made\n  next step: name a folder in one that exists",
                folder.string());
  DFA_TRY(write_safetensors(files.weights, folder / "model.safetensors"));
  return write_file_atomically(folder / "config.json", files.config);
}

Result<Exported> export_hf(const ExportSettings& settings) {
  DFA_TRY(check_taken(settings, "hf", TakesBase::no, TakesDtype::no));
  DFA_ASSIGN_OR_RETURN(const Model model, model_to_export(settings));
  DFA_ASSIGN_OR_RETURN(HfFiles files, hf_files(model));
  DFA_TRY(write_hf_folder(files, settings.out));
  Exported exported{
      .name = model.name,
      .files = {},
      .tensors = files.weights.tensors.size(),
      .facts = {fmt::format("a folder for transformers' {}: from_pretrained reads it", files.architecture)},
      .left_out = std::move(files.left_out)};
  leave_out_scales(model, exported);
  for (const char* name : {"model.safetensors", "config.json"}) {
    DFA_ASSIGN_OR_RETURN(ExportedFile file, exported_file(settings.out / name));
    exported.files.push_back(std::move(file));
  }
  return exported;
}

}  // namespace dfa
