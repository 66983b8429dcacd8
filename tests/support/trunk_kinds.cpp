#include "support/trunk_kinds.hpp"

namespace dfa::test {
namespace {

NetworkConfig plain() {
  NetworkConfig config;
  config.patch = 8;
  config.image = 32;
  config.dim = 24;
  config.depth = 3;
  config.heads = 3;  // of 8 values: two frequencies a direction
  config.mlp = 40;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  config.head = HeadKind::linear;
  return config;
}

template <class Change>
TrunkKind kind(std::string name, Change change) {
  NetworkConfig config = plain();
  change(config);
  return {std::move(name), config};
}

}  // namespace

std::vector<TrunkKind> trunk_kinds() {
  return {
      kind("plain", [](NetworkConfig&) {}),
      kind("quick_gelu", [](NetworkConfig& c) { c.activation = Activation::quick_gelu; }),
      kind("silu", [](NetworkConfig& c) { c.activation = Activation::silu; }),
      kind("gated", [](NetworkConfig& c) { c.gated_mlp = true; }),
      kind("pre_norm", [](NetworkConfig& c) { c.pre_norm = true; }),
      kind("no_patch_bias", [](NetworkConfig& c) { c.patch_bias = false; }),
      kind("distilled", [](NetworkConfig& c) { c.distilled = true; }),
      kind("registers", [](NetworkConfig& c) { c.registers = 3; }),
      kind("layer_scale", [](NetworkConfig& c) { c.layer_scale = true; }),
      kind("rotary", [](NetworkConfig& c) { c.positions = Positions::rotary; }),
      kind("batchnorm_head", [](NetworkConfig& c) { c.head = HeadKind::batchnorm_linear; }),
      kind("clip",
           [](NetworkConfig& c) {
             c.activation = Activation::quick_gelu;
             c.pre_norm = true;
             c.patch_bias = false;
             c.norm_eps = 1e-5;
             c.head = HeadKind::l2_linear;
           }),
      kind("dinov2",
           [](NetworkConfig& c) {
             c.patch = 14;
             c.image = 42;
             c.registers = 4;
             c.layer_scale = true;
             c.gated_mlp = true;
             c.activation = Activation::silu;
           }),
      kind("dinov3",
           [](NetworkConfig& c) {
             c.patch = 16;
             c.image = 48;
             c.registers = 4;
             c.layer_scale = true;
             c.positions = Positions::rotary;
             c.norm_eps = 1e-5;
           }),
      kind("everything",
           [](NetworkConfig& c) {
             c.distilled = true;
             c.registers = 2;
             c.layer_scale = c.gated_mlp = c.pre_norm = true;
             c.activation = Activation::quick_gelu;
             c.patch_bias = false;
             c.positions = Positions::rotary;
           }),
  };
}

NetworkConfig with_adapters(NetworkConfig config) {
  config.gba = config.lsa = true;
  config.bottleneck = 5;
  config.lsa_heads = 2;
  config.spm_width = 4;
  config.stages = {{0, 0}, {1, 2}};
  config.readout = Readout::token0;
  config.spatial_source = SpatialSource::patch;
  return config;
}

NetworkConfig with_grid(NetworkConfig config, int grid) {
  config.image = grid * config.patch;
  return config;
}

}  // namespace dfa::test
