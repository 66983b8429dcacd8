#include "exchange/infer_timm.hpp"

#include <algorithm>
#include <cmath>

#include "exchange/shape_reader.hpp"
#include "model/config_json.hpp"
#include "model/model.hpp"

namespace dfa {
namespace {

constexpr int kHeadWidth = 64;  // of ViT-Ti to L, and of DINOv2's giant
// ViT-H, ViT-g and ViT-G have heads of their own width.
struct WidthHeads {
  int dim;
  int heads;
};
constexpr WidthHeads kOddWidths[] = {{1280, 16}, {1408, 16}, {1664, 16}};
constexpr double kClipNormEps = 1e-5;

// timm's: the classifiers of pre-training, and the layer that some files have before one.
constexpr std::string_view kHeads[] = {"head.", "head_dist.", "pre_logits.fc."};

bool starts_with_any(std::string_view name, std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool any_below(const TensorMap& tensors, std::string_view prefix) {
  const auto found = tensors.lower_bound(prefix);
  return found != tensors.end() && found->first.starts_with(prefix);
}

bool any_block_has(const TensorMap& tensors, std::string_view suffix) {
  return std::ranges::any_of(
      tensors, [&](const auto& entry) { return entry.first.starts_with("blocks.") && entry.first.ends_with(suffix); });
}

bool was_set(const std::vector<std::string>& set, std::string_view key) {
  return std::ranges::any_of(set, [&](std::string_view one) { return one.substr(0, one.find('=')) == key; });
}

// The first row of the table, the class token's, is all zeros: MAE's fixed sines have none for it.
bool zero_class_position(const TensorMap& tensors) {
  const auto found = tensors.find("pos_embed");
  if (found == tensors.end() || found->second.shape.size() != 3 || found->second.shape[1] < 1) return false;
  const Tensor& table = found->second;
  const auto row = table.bytes.first(table.bytes.size() / static_cast<std::size_t>(table.shape[1]));
  return std::ranges::all_of(row, [](std::byte b) { return b == std::byte{0}; });
}

bool is_square(int number) {
  const int root = static_cast<int>(std::lround(std::sqrt(number)));
  return number > 0 && root * root == number;
}

// Which rows the table has, and so the picture's side.
Status read_positions(const ShapeReader& shapes, bool registers_set, TimmTrunk& trunk) {
  NetworkConfig& config = trunk.config;
  DFA_ASSIGN_OR_RETURN(const int rows, shapes.size("pos_embed", 3, 1));
  const int others = config.distilled ? 2 : 1;
  if (is_square(rows) && !is_square(rows - others)) {
    if (config.registers == 0 && !registers_set)
      return fail(
          ErrorCode::model_incompatible,
          "pos_embed has {} rows, one for each patch and none for the class token, as with register tokens, but "
          "there is no reg_token\n  likely cause: reg_token was lost or renamed; or a network without "
          "registers that has such a table all the same (DeiT III)\n  next step: use another copy of the file; "
          "for a network without registers say --set registers=0",
          rows);
    trunk.form.rows = TimmForm::PositionRows::patches;
  } else if (!is_square(rows - others)) {
    return fail(ErrorCode::model_incompatible, "pos_embed has {} rows, expected {} more than a square number{}", rows,
                others,
                is_square(rows - 2) ? "; with one more it would be a distilled ViT, but there is no dist_token" : "");
  }
  const int patches = trunk.form.rows == TimmForm::PositionRows::patches ? rows : rows - others;
  const auto side = std::lround(std::sqrt(patches)) * config.patch;
  if (side > kMaxTensorSide)
    return fail(ErrorCode::model_incompatible, "pos_embed and patches of {} give an image of {} pixels", config.patch,
                side);
  trunk.stored_image = config.image = static_cast<int>(side);
  return {};
}

// A gated MLP's first layer is twice as high as its second is wide.
Status read_mlp(const ShapeReader& shapes, TimmTrunk& trunk) {
  NetworkConfig& config = trunk.config;
  const std::string mlp = "blocks.0.mlp.";
  if (trunk.form.spelling == TimmForm::Spelling::authors &&
      (shapes.has(mlp + "w12.weight") || shapes.has(mlp + "w3.weight"))) {
    config.gated_mlp = true;
    DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(mlp + "w3.weight", 2, 1));
  } else {
    DFA_ASSIGN_OR_RETURN(const int rows, shapes.size(mlp + "fc1.weight", 2, 0));
    DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(mlp + "fc2.weight", 2, 1));
    config.gated_mlp = rows == 2 * config.mlp;
  }
  if (config.gated_mlp) config.activation = Activation::silu;
  return {};
}

// CLIP's family alone has a norm before the blocks, and no patch bias then.
void read_clip(const TensorMap& theirs, NetworkConfig& config) {
  config.pre_norm = any_below(theirs, "norm_pre.");
  config.patch_bias = !config.pre_norm;
  if (!config.pre_norm) return;
  config.activation = Activation::quick_gelu;
  config.norm_eps = kClipNormEps;
}

PositionRule rule_of(TimmFamily family, const NetworkConfig& config) {
  if (family == TimmFamily::mae) return PositionRule::bicubic;
  if (family == TimmFamily::dinov2 && config.registers == 0) return PositionRule::bicubic_offset;
  return PositionRule::bicubic_antialias;
}

}  // namespace

TimmFamily timm_family(const TensorMap& theirs, bool bare) {
  if (any_below(theirs, "decoder_")) return TimmFamily::mae;
  if (theirs.contains("mask_token") || theirs.contains("register_tokens") || any_block_has(theirs, ".mlp.w12.weight"))
    return TimmFamily::dinov2;
  return !bare && !any_below(theirs, "head.") && zero_class_position(theirs) ? TimmFamily::mae : TimmFamily::timm;
}

bool is_beside_trunk(std::string_view name, TimmFamily family) {
  if (starts_with_any(name, kHeads)) return true;
  if (family == TimmFamily::timm) return false;
  return name == "mask_token" || (family == TimmFamily::mae && name.starts_with("decoder_"));
}

int usual_heads(int dim) {
  for (const auto& [width, heads] : kOddWidths)
    if (dim == width) return heads;
  return dim % kHeadWidth == 0 ? dim / kHeadWidth : 0;
}

Result<TimmTrunk> infer_timm(const TensorMap& theirs, TimmFamily family, const std::vector<std::string>& set) {
  const ShapeReader shapes(theirs);
  TimmTrunk trunk{.family = family, .config = {}, .form = {}, .assumed = {}};
  NetworkConfig& config = trunk.config;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  if (family == TimmFamily::dinov2) trunk.form.spelling = TimmForm::Spelling::authors;
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size("cls_token", 3, 2));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size("patch_embed.proj.weight", 4, 3));
  config.depth = shapes.count("blocks.");
  config.heads = usual_heads(config.dim);
  config.distilled = theirs.contains("dist_token");
  const std::string registers = family == TimmFamily::dinov2 ? "register_tokens" : "reg_token";
  if (shapes.has(registers)) {
    DFA_ASSIGN_OR_RETURN(config.registers, shapes.size(registers, 3, 1));
  }
  config.layer_scale = any_block_has(theirs, ".ls1.gamma") || any_block_has(theirs, ".ls2.gamma");
  read_clip(theirs, config);
  DFA_TRY(read_mlp(shapes, trunk));
  DFA_TRY(read_positions(shapes, was_set(set, "registers"), trunk));
  for (const std::string& assignment : set) DFA_TRY(set_network_field(config, assignment));
  DFA_TRY(check_trunk_config(config));
  trunk.rule = rule_of(family, config);
  trunk.assumed = trunk_assumptions(config, {"heads", "activation", "norm_eps"}, set);
  return trunk;
}

Status check_trunk_config(const NetworkConfig& config) {
  if (config.gba || config.lsa || config.readout != Readout::cls)
    return fail(ErrorCode::usage, "a backbone is a trunk alone: gba, lsa and readout cannot be set");
  if (config.heads == 0)
    return fail(ErrorCode::model_incompatible,
                "the number of attention heads cannot be told: dim {} is no multiple of {}, the usual width of a head\n"
                "  next step: say it, as in --set heads=3",
                config.dim, kHeadWidth);
  return check_config(config);
}

std::vector<std::string> trunk_assumptions(const NetworkConfig& config, const std::vector<std::string>& fields,
                                           const std::vector<std::string>& set) {
  std::vector<std::string> lines;
  for (const std::string& field : fields) {
    if (was_set(set, field)) continue;
    if (field == "heads")
      lines.push_back(config.heads * kHeadWidth == config.dim
                          ? fmt::format("heads = {} (dim / {})", config.heads, kHeadWidth)
                          : fmt::format("heads = {} (as published for dim {})", config.heads, config.dim));
    if (field == "activation")
      lines.push_back(fmt::format("activation = {}{}", activation_name(config.activation),
                                  config.activation == Activation::quick_gelu
                                      ? " (as OpenAI's CLIP; later ones may have --set activation=gelu)"
                                      : ""));
    if (field == "norm_eps") lines.push_back(fmt::format("norm_eps = {}", config.norm_eps));
  }
  return lines;
}

}  // namespace dfa
