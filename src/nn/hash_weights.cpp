// Deterministic weights for any configuration, without a file (spec method.md 2.8). Every step is float32 arithmetic,
// so that other programs reproduce the values bit for bit.
#include <cmath>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "nn/network.hpp"

namespace dfa {
namespace {

// u(name, i) in [-1, 1)
float hash_uniform(std::uint64_t offset, std::uint64_t i) {
  constexpr float kUnit = 8388608.0F;  // 2^23
  return static_cast<float>(mix64(offset + i) >> 40) / kUnit - 1.0F;
}

std::uint64_t hash_offset(std::string_view name) {
  return fnv1a32(name) * 0x9E3779B97F4A7C15ULL;
}

// value = base + factor * u; the first rule that fits the name.
struct HashRule {
  float base = 0;
  float factor = 0;
};

HashRule hash_rule(std::string_view name, const std::vector<std::int64_t>& shape) {
  if (name.ends_with("running_var")) return {1.0F, 0.3F};
  if (name.ends_with("running_mean")) return {0, 0.1F};
  if (name.ends_with("weight") && shape.size() <= 1) return {1.0F, 0.2F};
  if (name.ends_with("gamma")) return {0, 0.3F};
  if (name.ends_with("scale")) return {0.7F, 0};
  if (name.ends_with("bias")) return {0, 0.1F};
  const bool embedding = name == "pos_embed" || name == "level_embed" || name.ends_with("_token");
  if (shape.size() < 2 || embedding) return {0, 0.5F};
  std::int64_t fan_in = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) fan_in *= shape[axis];
  return {0, std::sqrt(3.0F / static_cast<float>(fan_in))};
}

std::vector<float> hash_values(std::string_view name, std::size_t count, HashRule rule) {
  const std::uint64_t offset = hash_offset(name);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = rule.base + rule.factor * hash_uniform(offset, i);
  return values;
}

Tensor hash_tensor(const ParameterSpec& spec) {
  std::size_t count = 1;
  for (const std::int64_t side : spec.shape) count *= static_cast<std::size_t>(side);
  if (spec.kind == ParameterKind::counter) return Tensor::from_i64(spec.shape, std::vector<std::int64_t>(count, 0));
  return Tensor::from_f32(spec.shape, hash_values(spec.name, count, hash_rule(spec.name, spec.shape)));
}

}  // namespace

TensorMap hash_weights(const NetworkConfig& config) {
  TensorMap weights;
  for (const ParameterSpec& spec : network_parameters(config)) weights.emplace(spec.name, hash_tensor(spec));
  return weights;
}

std::vector<float> hash_images(const NetworkConfig& config, int n) {
  const auto side = static_cast<std::size_t>(config.image);
  return hash_values("image", static_cast<std::size_t>(n) * 3 * side * side, {0, 1.0F});
}

}  // namespace dfa
