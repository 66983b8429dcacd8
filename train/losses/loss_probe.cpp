#include "train/losses/loss_probe.hpp"

#include <functional>

#include "train/losses/feature_losses.hpp"
#include "train/losses/spatial_losses.hpp"
#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

namespace {

at::Tensor wide_copy(std::span<const double> values) {
  return torch::tensor(at::ArrayRef<double>(values.data(), values.size()), torch::kFloat64);
}

ProbeResult probe(std::span<const double> x, at::IntArrayRef shape,
                  const std::function<std::optional<at::Tensor>(const at::Tensor&)>& loss) {
  return torch_guard("loss", [&]() -> std::optional<LossProbe> {
    const at::Tensor input = wide_copy(x).reshape(shape).set_requires_grad(true);
    const std::optional<at::Tensor> value = loss(input);
    if (!value) return std::nullopt;
    LossProbe out{value->item<double>(), std::vector<double>(x.size(), 0.0)};
    if (!value->requires_grad()) return out;
    value->backward();
    const at::Tensor gradient = input.grad().contiguous();
    out.gradient.assign(gradient.const_data_ptr<double>(), gradient.const_data_ptr<double>() + gradient.numel());
    return out;
  });
}

}  // namespace

ProbeResult probe_alignment(std::span<const double> x, std::span<const std::int64_t> labels) {
  return probe(x, {static_cast<std::int64_t>(labels.size()), -1},
               [&](const at::Tensor& rows) { return alignment_loss(unit_rows(rows), labels); });
}

ProbeResult probe_uniformity(std::span<const double> x, std::int64_t samples) {
  return probe(x, {samples, -1}, [](const at::Tensor& rows) { return uniformity_loss(unit_rows(rows)); });
}

ProbeResult probe_consistency_strong(std::span<const double> weak, std::span<const double> x, std::int64_t samples) {
  return probe(x, {samples, -1}, [&](const at::Tensor& strong) {
    return consistency_loss(wide_copy(weak).reshape({samples, -1}), strong);
  });
}

ProbeResult probe_consistency_weak(std::span<const double> x, std::span<const double> strong, std::int64_t samples) {
  return probe(x, {samples, -1}, [&](const at::Tensor& weak) {
    return consistency_loss(weak, wide_copy(strong).reshape({samples, -1}));
  });
}

ProbeResult probe_map_loss(const NetworkConfig& network, MapHead kind, std::span<const double> x,
                           const SpatialTargets& targets, std::span<const double> weights,
                           std::span<const double> biases) {
  return probe(x, {-1, network.spatial_tokens(), network.dim}, [&](const at::Tensor& tokens) {
    const at::Tensor rows = wide_copy(weights).reshape({kSpatialLevels, 1, network.dim});
    const at::Tensor shifts = wide_copy(biases).reshape({kSpatialLevels, 1});
    return map_loss(kind, level_tokens(network, tokens, targets), targets, [&](int level) {
      return MapHeadTensors{rows[level], shifts[level]};
    });
  });
}

ProbeResult probe_patch_contrast(const NetworkConfig& network, std::span<const double> x, const SpatialTargets& targets,
                                 double temperature) {
  return probe(x, {-1, network.spatial_tokens(), network.dim}, [&](const at::Tensor& tokens) {
    return patch_contrast_loss(level_tokens(network, tokens, targets), targets, temperature);
  });
}

}  // namespace dfa::train
