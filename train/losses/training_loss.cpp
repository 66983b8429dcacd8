#include "train/losses/training_loss.hpp"

#include <optional>
#include <string>

#include "train/losses/feature_losses.hpp"
#include "train/losses/keep_statistics.hpp"
#include "train/losses/spatial_losses.hpp"
#include "train/losses/svd_losses.hpp"
#include "train/nets/autocast.hpp"

namespace dfa::train {

namespace {

NetworkOutput forward(NetworkImpl& impl, const at::Tensor& images, SpatialRows rows, Compute compute) {
  const AutocastScope autocast(compute, impl.device.type());
  return impl.module->forward(images, nullptr, rows);
}

at::Tensor cross_entropy(const at::Tensor& logits, std::span<const std::int64_t> labels, const LossOptions& options) {
  constexpr std::int64_t kNoClassIgnored = -100;
  const at::Tensor target =
      torch::tensor(at::ArrayRef<std::int64_t>(labels.data(), labels.size()), torch::kInt64).to(logits.device());
  const auto entropy = [&](at::Reduction::Reduction reduction) {
    return at::cross_entropy_loss(logits, target, {}, reduction, kNoClassIgnored, options.label_smoothing);
  };
  if (options.class_weights.empty()) return entropy(at::Reduction::Mean);
  const at::Tensor of_class = torch::tensor(options.class_weights, torch::kFloat64);
  return (entropy(at::Reduction::None) * of_class.to(logits.device(), logits.scalar_type()).index_select(0, target))
      .mean();
}

at::Tensor find_head(const NetworkImpl& impl, const std::string& name) {
  for (const NamedTensor& item : impl.loss_tensors)
    if (item.spec.name == name) return item.tensor;
  return {};
}

class Sum {
 public:
  void add(const char* name, double weight, const std::optional<at::Tensor>& value) {
    if (!value) return;
    graph.terms.push_back({name, weight, value->item<double>()});
    const at::Tensor weighted = *value * weight;
    graph.total = graph.total.defined() ? graph.total + weighted : weighted;
  }
  LossGraph graph;
};

void add_feature_terms(const at::Tensor& feature, std::span<const std::int64_t> labels, const LossOptions& options,
                       Sum& sum) {
  if (options.alignment <= 0 && options.uniformity <= 0) return;
  const at::Tensor unit = unit_rows(feature);
  if (options.alignment > 0) sum.add("alignment", options.alignment, alignment_loss(unit, labels));
  if (options.uniformity > 0) sum.add("uniformity", options.uniformity, uniformity_loss(unit));
}

void add_spatial_terms(const NetworkImpl& impl, const at::Tensor& spatial, const SpatialTargets& targets,
                       const LossOptions& options, Sum& sum) {
  const std::vector<at::Tensor> levels = level_tokens(impl.module->config, spatial, targets);
  const auto heads = [&](MapHead kind) {
    return [&impl, kind](int level) {
      return MapHeadTensors{find_head(impl, loss_head_name(kind, level, "weight")),
                            find_head(impl, loss_head_name(kind, level, "bias"))};
    };
  };
  if (options.mask > 0) sum.add("mask", options.mask, map_loss(MapHead::mask, levels, targets, heads(MapHead::mask)));
  if (options.boundary > 0)
    sum.add("boundary", options.boundary, map_loss(MapHead::boundary, levels, targets, heads(MapHead::boundary)));
  if (options.patch_contrast > 0)
    sum.add("patch_contrast", options.patch_contrast, patch_contrast_loss(levels, targets, options.patch_temperature));
}

void add_svd_terms(const NetworkImpl& impl, const LossOptions& options, Sum& sum) {
  if (options.svd_orthogonality > 0)
    sum.add("svd_orthogonality", options.svd_orthogonality, svd_orthogonality(impl.module));
  if (options.svd_norm > 0) sum.add("svd_norm", options.svd_norm, svd_norm_change(impl.module));
}

}  // namespace

LossGraph training_loss(NetworkImpl& impl, const LossInput& input, const LossOptions& options) {
  const bool spatial = needs_masks(options);
  const NetworkOutput out =
      forward(impl, input.images, spatial ? SpatialRows::all : SpatialRows::read, options.compute);
  Sum sum;
  sum.add("cross_entropy", 1.0, cross_entropy(out.logits, input.labels, options));
  add_feature_terms(out.feature, input.labels, options, sum);
  if (spatial) add_spatial_terms(impl, out.spatial, input.targets, options, sum);
  add_svd_terms(impl, options, sum);
  if (needs_strong_view(options)) {
    const KeepStatistics kept(impl);
    const NetworkOutput strong = forward(impl, input.strong, SpatialRows::read, options.compute);
    sum.add("consistency", consistency_weight(options), consistency_loss(out.logits, strong.logits));
  }
  sum.graph.logits = out.logits;
  return sum.graph;
}

}  // namespace dfa::train
