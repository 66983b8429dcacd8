#include "train/losses/spatial_losses.hpp"

#include <cmath>
#include <limits>

#include "train/losses/feature_losses.hpp"
#include "train/losses/patch_choice.hpp"

namespace dfa::train {

namespace {

at::Tensor on_device_of(const at::Tensor& like, const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kInt64).to(like.device());
}

// log of the mean of exp(similarity) over the columns.
at::Tensor log_mean_exp(const at::Tensor& similarity, std::int64_t count) {
  return at::logsumexp(similarity, {1}) - std::log(static_cast<double>(count));
}

// Mean over the patches of `own` of -log(same / (same + other)). own: (P, D), cross: (P, Q), similarities to the
// others.
at::Tensor one_kind(const at::Tensor& own, const at::Tensor& cross, double temperature) {
  const std::int64_t patches = own.size(0);
  const at::Tensor itself = torch::eye(patches, own.options().dtype(torch::kBool));
  const at::Tensor among =
      (at::mm(own, own.t()) / temperature).masked_fill(itself, -std::numeric_limits<double>::infinity());
  return at::softplus(log_mean_exp(cross, cross.size(1)) - log_mean_exp(among, patches - 1)).mean();
}

}  // namespace

std::vector<at::Tensor> level_tokens(const NetworkConfig& network, const at::Tensor& tokens,
                                     const SpatialTargets& targets) {
  const at::Tensor known = tokens.index_select(0, on_device_of(tokens, targets.samples));
  std::vector<at::Tensor> levels;
  std::int64_t begin = 0;
  for (int level = 0; level < kSpatialLevels; ++level) {
    const std::int64_t side = network.spatial_side(level);
    levels.push_back(known.narrow(1, begin, side * side));
    begin += side * side;
  }
  return levels;
}

std::optional<at::Tensor> map_loss(MapHead kind, const std::vector<at::Tensor>& levels, const SpatialTargets& targets,
                                   const std::function<MapHeadTensors(int level)>& head) {
  if (targets.samples.empty()) return std::nullopt;
  at::Tensor sum;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const std::vector<double>& shares = targets.shares[level];
    const MapHeadTensors tensors = head(static_cast<int>(level));
    const at::Tensor found = at::linear(levels[level], tensors.weight, tensors.bias).sigmoid().flatten();
    const at::Tensor wanted =
        torch::tensor(kind == MapHead::mask ? shares : boundary_of(shares), torch::kFloat64).to(found.options());
    const at::Tensor error = at::mse_loss(found, wanted);
    sum = sum.defined() ? sum + error : error;
  }
  return sum / static_cast<double>(levels.size());
}

std::optional<at::Tensor> patch_contrast_loss(const std::vector<at::Tensor>& levels, const SpatialTargets& targets,
                                              double temperature) {
  at::Tensor sum;
  int counted = 0;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const PatchChoice choice = choose_patches(targets.shares[level]);
    if (!choice.enough()) continue;
    const at::Tensor rows = levels[level].flatten(0, 1);
    const at::Tensor forged = unit_rows(rows.index_select(0, on_device_of(rows, choice.forged)));
    const at::Tensor untouched = unit_rows(rows.index_select(0, on_device_of(rows, choice.untouched)));
    const at::Tensor cross = at::mm(forged, untouched.t()) / temperature;
    const at::Tensor loss = 0.5 * (one_kind(forged, cross, temperature) + one_kind(untouched, cross.t(), temperature));
    sum = sum.defined() ? sum + loss : loss;
    ++counted;
  }
  if (counted == 0) return std::nullopt;
  return sum / counted;
}

}  // namespace dfa::train
