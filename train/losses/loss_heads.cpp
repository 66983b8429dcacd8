#include "train/losses/loss_heads.hpp"

#include <fmt/format.h>

#include "base/rng.hpp"

namespace dfa::train {

namespace {

constexpr double kHeadStd = 0.01;

}  // namespace

std::string loss_head_name(MapHead head, int level, std::string_view part) {
  return fmt::format("{}_head.{}.{}", head == MapHead::mask ? "mask" : "boundary", level, part);
}

std::vector<ParameterSpec> loss_head_parameters(const NetworkConfig& network, const LossOptions& options) {
  std::vector<ParameterSpec> specs;
  for (const MapHead head : {MapHead::mask, MapHead::boundary}) {
    if ((head == MapHead::mask ? options.mask : options.boundary) <= 0) continue;
    for (int level = 0; level < kSpatialLevels; ++level) {
      specs.push_back(
          {loss_head_name(head, level, "weight"), {1, network.dim}, ParameterGroup::head, ParameterKind::weight});
      specs.push_back({loss_head_name(head, level, "bias"), {1}, ParameterGroup::head, ParameterKind::weight});
    }
  }
  return specs;
}

TensorMap init_loss_heads(const NetworkConfig& network, const LossOptions& options, std::uint64_t seed) {
  TensorMap heads;
  for (const ParameterSpec& spec : loss_head_parameters(network, options)) {
    RngStream stream(seed, "init/" + spec.name);
    std::vector<float> values(static_cast<std::size_t>(spec.shape.back()), 0.0F);
    if (spec.name.ends_with("weight"))
      for (float& value : values) value = static_cast<float>(kHeadStd * stream.normal());
    heads[spec.name] = Tensor::from_f32(spec.shape, values);
  }
  return heads;
}

}  // namespace dfa::train
