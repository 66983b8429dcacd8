#include "exchange/names_dinov3.hpp"

#include <fmt/format.h>

#include "exchange/name_map_builder.hpp"
#include "exchange/shape_reader.hpp"
#include "exchange/trunk_sizes.hpp"

namespace dfa {

NameMap names_dinov3(const NetworkConfig& config, const std::string& prefix, const Dinov3Biases& biases) {
  NameMapBuilder map(config);
  map.one("cls_token", prefix + "embeddings.cls_token");
  if (config.registers > 0) map.one("reg_token", prefix + "embeddings.register_tokens");
  map.pair("patch_embed.proj", prefix + "embeddings.patch_embeddings");
  for (int i = 0; i < config.depth; ++i) {
    const std::string ours = fmt::format("blocks.{}.", i), theirs = fmt::format("{}layer.{}.", prefix, i);
    const std::string attention = theirs + "attention.";
    const auto bias = [&](bool stored, const char* name) { return stored ? attention + name : std::string(); };
    map.pair(ours + "norm1", theirs + "norm1");
    map.rows(ours + "attn.qkv.weight",
             {attention + "q_proj.weight", attention + "k_proj.weight", attention + "v_proj.weight"});
    map.rows(ours + "attn.qkv.bias",
             {bias(biases.query, "q_proj.bias"), bias(biases.key, "k_proj.bias"), bias(biases.value, "v_proj.bias")});
    map.pair(ours + "attn.proj", attention + "o_proj");
    map.one(ours + "ls1.gamma", theirs + "layer_scale1.lambda1");
    map.pair(ours + "norm2", theirs + "norm2");
    if (config.gated_mlp) {
      for (const char* part : {".weight", ".bias"})
        map.rows(ours + "mlp.fc1" + part, {theirs + "mlp.gate_proj" + part, theirs + "mlp.up_proj" + part});
    } else {
      map.pair(ours + "mlp.fc1", theirs + "mlp.up_proj");
    }
    map.pair(ours + "mlp.fc2", theirs + "mlp.down_proj");
    map.one(ours + "ls2.gamma", theirs + "layer_scale2.lambda1");
  }
  map.pair("norm", prefix + "norm");
  return map.take();
}

Dinov3Biases dinov3_biases(const TensorMap& theirs, const std::string& prefix) {
  const ShapeReader shapes(theirs);
  const auto stored = [&](const char* name) {
    return shapes.has_any(prefix + "layer.", fmt::format(".attention.{}.bias", name));
  };
  return {.query = stored("q_proj"), .key = stored("k_proj"), .value = stored("v_proj")};
}

Result<NetworkConfig> dinov3_sizes(const TensorMap& theirs, const std::string& prefix) {
  const ShapeReader shapes(theirs);
  NetworkConfig config = dinov3_trunk();
  config.image = 0;
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size(prefix + "embeddings.cls_token", 3, 2));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size(prefix + "embeddings.patch_embeddings.weight", 4, 3));
  if (shapes.has(prefix + "embeddings.register_tokens")) {
    DFA_ASSIGN_OR_RETURN(config.registers, shapes.size(prefix + "embeddings.register_tokens", 3, 1));
  }
  config.depth = shapes.count(prefix + "layer.");
  const std::string mlp = prefix + "layer.0.mlp.";
  config.gated_mlp = shapes.has_any(prefix + "layer.", ".mlp.gate_proj.weight");
  if (config.gated_mlp) config.activation = Activation::silu;
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(mlp + "down_proj.weight", 2, 1));
  return config;
}

}  // namespace dfa
