#include "exchange/infer_config.hpp"

#include <algorithm>
#include <cmath>

#include "exchange/shape_reader.hpp"
#include "model/model.hpp"

namespace dfa {
namespace {

constexpr int kHeadWidth = 64;  // of every ViT from Ti to L
constexpr int kLsaHeads = 6;    // of the authors' interactions

Status read_trunk(const ShapeReader& shapes, NetworkConfig& config) {
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size("cls_token", 3, 2));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size("patch_embed.proj.weight", 4, 3));
  DFA_ASSIGN_OR_RETURN(const int tokens, shapes.size("pos_embed", 3, 1));
  const int grid = static_cast<int>(std::lround(std::sqrt(tokens - 1)));
  if (grid < 1 || grid * grid != tokens - 1)
    return fail(ErrorCode::model_incompatible, "pos_embed has {} rows, expected one more than a square number", tokens);
  if (static_cast<std::int64_t>(grid) * config.patch > kMaxTensorSide)
    return fail(ErrorCode::model_incompatible, "pos_embed and patch size give an image of {} x {} pixels", grid,
                config.patch);
  config.image = grid * config.patch;
  config.depth = shapes.count("blocks.");
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size("blocks.0.mlp.fc1.weight", 2, 0));
  config.heads = config.dim % kHeadWidth == 0 ? config.dim / kHeadWidth : 0;
  return {};
}

Status read_adapters(const ShapeReader& shapes, NetworkConfig& config) {
  config.gba = shapes.has("blocks.0.adaptor.down_proj.weight");
  if (config.gba) {
    DFA_ASSIGN_OR_RETURN(config.bottleneck, shapes.size("blocks.0.adaptor.down_proj.weight", 2, 0));
  }
  const int stages = shapes.count("interactions.");
  config.lsa = stages > 0 || shapes.has("level_embed") || shapes.has("spm.stem.0.weight");
  if (config.lsa) {
    DFA_ASSIGN_OR_RETURN(config.spm_width, shapes.size("spm.stem.0.weight", 4, 0));
    config.lsa_heads = kLsaHeads;
    config.stages.clear();
    if (stages > 0 && config.depth % stages == 0)
      for (int i = 0, length = config.depth / stages; i < stages; ++i)
        config.stages.push_back({i * length, (i + 1) * length - 1});
  }
  DFA_ASSIGN_OR_RETURN(config.classes, shapes.size("head.1.weight", 2, 0));
  return {};
}

bool is_set(const std::vector<std::string>& set, std::initializer_list<std::string_view> keys) {
  return std::any_of(set.begin(), set.end(), [&](std::string_view assignment) {
    return std::find(keys.begin(), keys.end(), assignment.substr(0, assignment.find('='))) != keys.end();
  });
}

Status require_told(const NetworkConfig& config, int interactions) {
  if (config.heads == 0)
    return fail(ErrorCode::model_incompatible,
                "the number of attention heads cannot be told: dim {} is no multiple of {}, the usual width of a head\n"
                "  next step: say it, as in --set heads=3",
                config.dim, kHeadWidth);
  if (config.lsa && config.stages.empty())
    return fail(ErrorCode::model_incompatible,
                "the stages cannot be told: {} blocks do not divide evenly between {} interactions\n"
                "  next step: say them, as in --set stages=[[0,1],[2,4]]",
                config.depth, interactions);
  return {};
}

std::vector<std::string> assumptions(const NetworkConfig& config, const std::vector<std::string>& set) {
  std::vector<std::string> lines;
  if (!is_set(set, {"heads"})) lines.push_back(fmt::format("heads = {} (dim / {})", config.heads, kHeadWidth));
  if (config.lsa && !is_set(set, {"lsa_heads", "lsa.heads"}))
    lines.push_back(fmt::format("lsa_heads = {} (the authors' number)", config.lsa_heads));
  if (config.lsa && !is_set(set, {"stages", "lsa.stages"}))
    lines.push_back(fmt::format("stages = {} of {} blocks each", config.stages.size(), config.stages.front().last + 1));
  if (!is_set(set, {"norm_eps"})) lines.push_back(fmt::format("norm_eps = {}", config.norm_eps));
  return lines;
}

}  // namespace

Result<InferredConfig> infer_config(const TensorMap& weights, Adapters adapters, const std::vector<std::string>& set) {
  const ShapeReader shapes(weights);
  NetworkConfig config;
  config.gba = config.lsa = false;
  DFA_TRY(read_trunk(shapes, config));
  if (adapters == Adapters::looked_for) DFA_TRY(read_adapters(shapes, config));
  config.readout = config.lsa ? Readout::token0 : Readout::cls;
  for (const std::string& assignment : set) DFA_TRY(set_network_field(config, assignment));
  if (adapters == Adapters::none && (config.gba || config.lsa || config.readout != Readout::cls))
    return fail(ErrorCode::usage, "a backbone is a trunk alone: gba, lsa and readout cannot be set");
  DFA_TRY(require_told(config, shapes.count("interactions.")));
  DFA_TRY(check_config(config));
  return InferredConfig{.config = config, .assumed = assumptions(config, set)};
}

}  // namespace dfa
