#include "exchange/names_openai_clip.hpp"

#include <fmt/format.h>

#include "exchange/name_map_builder.hpp"
#include "exchange/shape_reader.hpp"
#include "exchange/trunk_sizes.hpp"

namespace dfa {

NameMap names_openai_clip(const NetworkConfig& config) {
  NameMapBuilder map(config);
  map.one("cls_token", "visual.class_embedding", {config.dim});
  map.one("pos_embed", "visual.positional_embedding", {config.position_rows(), config.dim});
  map.one("patch_embed.proj.weight", "visual.conv1.weight");
  map.pair("norm_pre", "visual.ln_pre");
  for (int i = 0; i < config.depth; ++i) {
    const std::string ours = fmt::format("blocks.{}.", i), theirs = fmt::format("visual.transformer.resblocks.{}.", i);
    map.pair(ours + "norm1", theirs + "ln_1");
    map.one(ours + "attn.qkv.weight", theirs + "attn.in_proj_weight");
    map.one(ours + "attn.qkv.bias", theirs + "attn.in_proj_bias");
    map.pair(ours + "attn.proj", theirs + "attn.out_proj");
    map.pair(ours + "norm2", theirs + "ln_2");
    map.pair(ours + "mlp.fc1", theirs + "mlp.c_fc");
    map.pair(ours + "mlp.fc2", theirs + "mlp.c_proj");
  }
  map.pair("norm", "visual.ln_post");
  return map.take();
}

Result<NetworkConfig> openai_clip_sizes(const TensorMap& theirs) {
  const ShapeReader shapes(theirs);
  NetworkConfig config = clip_trunk();
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size("visual.class_embedding", 1, 0));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size("visual.conv1.weight", 4, 3));
  DFA_ASSIGN_OR_RETURN(const int rows, shapes.size("visual.positional_embedding", 2, 0));
  DFA_ASSIGN_OR_RETURN(config.image, image_side("visual.positional_embedding", rows, 1, config.patch));
  config.depth = shapes.count("visual.transformer.resblocks.");
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size("visual.transformer.resblocks.0.mlp.c_fc.weight", 2, 0));
  return config;
}

}  // namespace dfa
