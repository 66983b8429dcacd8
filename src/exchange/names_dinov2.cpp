#include "exchange/names_dinov2.hpp"

#include <fmt/format.h>

#include "exchange/name_map_builder.hpp"
#include "exchange/shape_reader.hpp"
#include "exchange/trunk_sizes.hpp"

namespace dfa {

NameMap names_dinov2(const NetworkConfig& config, const std::string& prefix) {
  NameMapBuilder map(config);
  map.one("cls_token", prefix + "embeddings.cls_token");
  if (config.registers > 0) map.one("reg_token", prefix + "embeddings.register_tokens");
  map.one("pos_embed", prefix + "embeddings.position_embeddings");
  map.pair("patch_embed.proj", prefix + "embeddings.patch_embeddings.projection");
  for (int i = 0; i < config.depth; ++i) {
    const std::string ours = fmt::format("blocks.{}.", i), theirs = fmt::format("{}encoder.layer.{}.", prefix, i);
    const std::string attention = theirs + "attention.attention.";
    map.pair(ours + "norm1", theirs + "norm1");
    for (const char* part : {".weight", ".bias"})
      map.rows(ours + "attn.qkv" + part,
               {attention + "query" + part, attention + "key" + part, attention + "value" + part});
    map.pair(ours + "attn.proj", theirs + "attention.output.dense");
    map.one(ours + "ls1.gamma", theirs + "layer_scale1.lambda1");
    map.pair(ours + "norm2", theirs + "norm2");
    map.pair(ours + "mlp.fc1", theirs + (config.gated_mlp ? "mlp.weights_in" : "mlp.fc1"));
    map.pair(ours + "mlp.fc2", theirs + (config.gated_mlp ? "mlp.weights_out" : "mlp.fc2"));
    map.one(ours + "ls2.gamma", theirs + "layer_scale2.lambda1");
  }
  map.pair("norm", prefix + "layernorm");
  return map.take();
}

Result<NetworkConfig> dinov2_sizes(const TensorMap& theirs, const std::string& prefix) {
  const ShapeReader shapes(theirs);
  NetworkConfig config = dinov2_trunk();
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size(prefix + "embeddings.cls_token", 3, 2));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size(prefix + "embeddings.patch_embeddings.projection.weight", 4, 3));
  const std::string positions = prefix + "embeddings.position_embeddings";
  DFA_ASSIGN_OR_RETURN(const int rows, shapes.size(positions, 3, 1));
  DFA_ASSIGN_OR_RETURN(config.image, image_side(positions, rows, 1, config.patch));
  if (shapes.has(prefix + "embeddings.register_tokens")) {
    DFA_ASSIGN_OR_RETURN(config.registers, shapes.size(prefix + "embeddings.register_tokens", 3, 1));
  }
  config.depth = shapes.count(prefix + "encoder.layer.");
  const std::string mlp = prefix + "encoder.layer.0.mlp.";
  config.gated_mlp = shapes.has_any(prefix + "encoder.layer.", ".mlp.weights_in.weight");
  if (config.gated_mlp) config.activation = Activation::silu;
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(mlp + (config.gated_mlp ? "weights_out.weight" : "fc2.weight"), 2, 1));
  return config;
}

}  // namespace dfa
