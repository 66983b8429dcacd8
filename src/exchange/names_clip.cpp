#include "exchange/names_clip.hpp"

#include <fmt/format.h>

#include "exchange/name_map_builder.hpp"
#include "exchange/shape_reader.hpp"
#include "exchange/trunk_sizes.hpp"

namespace dfa {

NameMap names_clip(const NetworkConfig& config, const std::string& prefix) {
  NameMapBuilder map(config);
  map.one("cls_token", prefix + "embeddings.class_embedding", {config.dim});
  map.one("pos_embed", prefix + "embeddings.position_embedding.weight", {config.position_rows(), config.dim});
  map.one("patch_embed.proj.weight", prefix + "embeddings.patch_embedding.weight");
  map.pair("norm_pre", prefix + "pre_layrnorm");  // spelled so
  for (int i = 0; i < config.depth; ++i) {
    const std::string ours = fmt::format("blocks.{}.", i), theirs = fmt::format("{}encoder.layers.{}.", prefix, i);
    const std::string attention = theirs + "self_attn.";
    map.pair(ours + "norm1", theirs + "layer_norm1");
    for (const char* part : {".weight", ".bias"})
      map.rows(ours + "attn.qkv" + part,
               {attention + "q_proj" + part, attention + "k_proj" + part, attention + "v_proj" + part});
    map.pair(ours + "attn.proj", attention + "out_proj");
    map.pair(ours + "norm2", theirs + "layer_norm2");
    map.pair(ours + "mlp.fc1", theirs + "mlp.fc1");
    map.pair(ours + "mlp.fc2", theirs + "mlp.fc2");
  }
  map.pair("norm", prefix + "post_layernorm");
  return map.take();
}

Result<NetworkConfig> clip_sizes(const TensorMap& theirs, const std::string& prefix) {
  const ShapeReader shapes(theirs);
  NetworkConfig config = clip_trunk();
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size(prefix + "embeddings.class_embedding", 1, 0));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size(prefix + "embeddings.patch_embedding.weight", 4, 3));
  const std::string positions = prefix + "embeddings.position_embedding.weight";
  DFA_ASSIGN_OR_RETURN(const int rows, shapes.size(positions, 2, 0));
  DFA_ASSIGN_OR_RETURN(config.image, image_side(positions, rows, 1, config.patch));
  config.depth = shapes.count(prefix + "encoder.layers.");
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(prefix + "encoder.layers.0.mlp.fc1.weight", 2, 0));
  return config;
}

}  // namespace dfa
