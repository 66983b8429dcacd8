#include "golden_tiny.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/shared.hpp"

namespace dfa::test {

GoldenTiny read_golden_tiny() {
  std::ifstream file(source_path("tests/golden/nn/tiny.json"));
  const nlohmann::json json = nlohmann::json::parse(file);
  const nlohmann::json& sizes = json.at("config");
  GoldenTiny golden;
  golden.config.image = sizes.at("image");
  golden.config.dim = sizes.at("dim");
  golden.config.depth = sizes.at("depth");
  golden.config.heads = sizes.at("heads");
  golden.config.mlp = 4 * golden.config.dim;
  golden.config.lsa_heads = sizes.at("lsa_heads");
  golden.config.bottleneck = sizes.at("bottleneck");
  golden.config.stages.clear();
  for (const nlohmann::json& stage : sizes.at("stages")) golden.config.stages.push_back({stage.at(0), stage.at(1)});
  golden.images = sizes.at("batch");
  golden.weights_sha256 = json.at("weights_sha256");
  golden.images_sha256 = json.at("images_sha256");
  golden.logits = json.at("eval.logits").get<std::vector<float>>();
  golden.feature = json.at("eval.feature").get<std::vector<float>>();
  return golden;
}

}  // namespace dfa::test
