#include "train/nets/init.hpp"

#include <cmath>
#include <string_view>

#include "base/rng.hpp"

namespace dfa::train {

namespace {

constexpr double kTrunkStd = 0.02;
constexpr double kClsStd = 1e-6;
// Of layer scales and register tokens of a trunk that starts at random, as timm's.
constexpr float kLayerScale = 1e-5F;
constexpr double kRegisterStd = 1e-6;
constexpr double kHeadStd = 0.01;

bool ends_with(std::string_view text, std::string_view end) {
  return text.ends_with(end);
}

std::int64_t fan_in(const ParameterSpec& spec) {
  std::int64_t product = 1;
  for (std::size_t i = 1; i < spec.shape.size(); ++i) product *= spec.shape[i];
  return product;
}

// Outputs times kernel area.
std::int64_t fan_out(const ParameterSpec& spec) {
  return spec.shape[0] * fan_in(spec) / spec.shape[1];
}

// Fills one tensor from its own stream.
class Filler {
 public:
  Filler(const ParameterSpec& spec, std::uint64_t seed) : spec_(spec), stream_(seed, "init/" + spec.name) {
    std::size_t count = 1;
    for (const std::int64_t extent : spec.shape) count *= static_cast<std::size_t>(extent);
    values_.resize(count);
  }

  Tensor constant(float value) {
    for (float& v : values_) v = value;
    return done();
  }
  Tensor uniform(double bound) {
    for (float& v : values_) v = static_cast<float>(stream_.uniform(-bound, bound));
    return done();
  }
  Tensor normal(double std) {
    for (float& v : values_) v = static_cast<float>(std * stream_.normal());
    return done();
  }
  // Drawn again beyond two standard deviations.
  Tensor truncated_normal(double std) {
    for (float& v : values_) {
      double z = stream_.normal();
      while (std::abs(z) > 2.0) z = stream_.normal();
      v = static_cast<float>(std * z);
    }
    return done();
  }

 private:
  Tensor done() { return Tensor::from_f32(spec_.shape, values_); }
  const ParameterSpec& spec_;
  RngStream stream_;
  std::vector<float> values_;
};

Tensor init_trunk(const ParameterSpec& spec, Filler& fill) {
  if (spec.name == "cls_token") return fill.truncated_normal(kClsStd);
  if (spec.name == "reg_token") return fill.normal(kRegisterStd);
  if (ends_with(spec.name, ".gamma")) return fill.constant(kLayerScale);
  if (spec.name == "patch_embed.proj.weight") return fill.uniform(1.0 / std::sqrt(static_cast<double>(fan_in(spec))));
  if (spec.shape.size() >= 2) return fill.truncated_normal(kTrunkStd);
  return fill.constant(ends_with(spec.name, "weight") ? 1.0F : 0.0F);  // norms; all biases 0
}

Tensor init_gba(const ParameterSpec& spec, Filler& fill) {
  if (ends_with(spec.name, "down_proj.weight")) return fill.uniform(1.0 / std::sqrt(static_cast<double>(fan_in(spec))));
  return fill.constant(ends_with(spec.name, "scale") ? 1.0F : 0.0F);  // Up starts at zero: the block is the plain ViT's
}

Tensor init_spm(const ParameterSpec& spec, Filler& fill) {
  if (spec.shape.size() == 4) return fill.normal(std::sqrt(2.0 / static_cast<double>(fan_out(spec))));
  return fill.constant(ends_with(spec.name, "weight") ? 1.0F : 0.0F);
}

Tensor init_interaction(const ParameterSpec& spec, Filler& fill) {
  if (spec.shape.size() == 2)  // Xavier over the whole stacked matrix
    return fill.uniform(std::sqrt(6.0 / static_cast<double>(spec.shape[0] + spec.shape[1])));
  return fill.constant(ends_with(spec.name, "norm.weight") ? 1.0F : 0.0F);  // gamma and biases 0
}

// Queries as level_embed, their linear layers as the interactions', the norm as every norm (start_weights() copies the
// trunk's over it).
Tensor init_readout(const ParameterSpec& spec, Filler& fill) {
  if (ends_with(spec.name, "queries")) return fill.normal(1.0);
  if (spec.shape.size() == 2) return fill.uniform(std::sqrt(6.0 / static_cast<double>(spec.shape[0] + spec.shape[1])));
  return fill.constant(ends_with(spec.name, "norm.weight") ? 1.0F : 0.0F);
}

Tensor init_head(const NetworkConfig& config, const ParameterSpec& spec, Filler& fill) {
  if (spec.name.starts_with("readout_")) return init_readout(spec, fill);
  if (ends_with(spec.name, "weight")) return fill.normal(kHeadStd);
  return fill.uniform(1.0 / std::sqrt(static_cast<double>(config.dim)));
}

Tensor init_weight(const NetworkConfig& config, const ParameterSpec& spec, std::uint64_t seed) {
  Filler fill(spec, seed);
  switch (spec.group) {
    case ParameterGroup::trunk:
      return init_trunk(spec, fill);
    case ParameterGroup::gba:
      return init_gba(spec, fill);
    case ParameterGroup::spm:
      return init_spm(spec, fill);
    case ParameterGroup::interaction:
      return init_interaction(spec, fill);
    case ParameterGroup::level_embed:
      return fill.normal(1.0);
    case ParameterGroup::head:
      return init_head(config, spec, fill);
  }
  return fill.constant(0.0F);
}

Tensor init_statistic(const ParameterSpec& spec, std::uint64_t seed) {
  Filler fill(spec, seed);
  return fill.constant(ends_with(spec.name, "running_var") ? 1.0F : 0.0F);
}

}  // namespace

TensorMap init_weights(const NetworkConfig& config, std::uint64_t seed) {
  constexpr std::int64_t kNoBatches = 0;
  TensorMap weights;
  for (const ParameterSpec& spec : network_parameters(config)) {
    switch (spec.kind) {
      case ParameterKind::weight:
        weights[spec.name] = init_weight(config, spec, seed);
        break;
      case ParameterKind::statistic:
        weights[spec.name] = init_statistic(spec, seed);
        break;
      case ParameterKind::counter:
        weights[spec.name] = Tensor::from_i64(spec.shape, {&kNoBatches, 1});
        break;
    }
  }
  return weights;
}

}  // namespace dfa::train
