// A detector of a few thousand weights made by the hash rule, for tests without files.
#pragma once

#include "model/model.hpp"

namespace dfa::test {

inline NetworkConfig small_config() {
  NetworkConfig config;
  config.image = 32;
  config.patch = 16;
  config.dim = 12;
  config.depth = 3;
  config.heads = 2;
  config.mlp = 20;
  config.bottleneck = 4;
  config.lsa_heads = 3;
  config.spm_width = 2;
  config.stages = {{0, 0}, {1, 2}};
  return config;
}

inline Model small_model() {
  Model model;
  model.name = "small";
  model.config = small_config();
  model.crop.stored_px = 40;
  model.license = "Apache-2.0";
  model.card = "# small\nfor tests";
  model.training = R"({"seed":1})";
  model.weights = hash_weights(model.config);
  return model;
}

inline Model small_backbone() {
  Model model = small_model();
  model.kind = "backbone";
  model.config.gba = model.config.lsa = false;
  model.config.readout = Readout::cls;
  model.weights = hash_weights(model.config);
  std::erase_if(model.weights, [](const auto& entry) { return entry.first.starts_with("head."); });
  return model;
}

}  // namespace dfa::test
