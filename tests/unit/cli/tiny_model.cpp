#include "tiny_model.hpp"

#include <stdexcept>

#include "model/golden.hpp"

namespace dfa::test {

void write_tiny_model(const std::filesystem::path& path, const std::function<void(Model&)>& change) {
  Model model;
  model.name = "tiny";
  model.license = "made for tests";
  model.card = "hash-made weights";
  model.config.image = 64;
  model.config.dim = 48;
  model.config.depth = 3;
  model.config.heads = 3;
  model.config.mlp = 96;
  model.config.bottleneck = 8;
  model.config.lsa_heads = 3;
  model.config.spm_width = 8;
  model.config.stages = {{0, 0}, {1, 1}, {2, 2}};
  model.weights = hash_weights(model.config);
  const auto golden = make_golden(model, synthetic_crops(1, model.crop.stored_px), 1, Dtype::f32);
  if (!golden) throw std::runtime_error(golden.error().message);
  model.golden = *golden;
  if (change) change(model);
  if (const Status saved = save_model(model, path, Dtype::f32); !saved) throw std::runtime_error(saved.error().message);
}

}  // namespace dfa::test
