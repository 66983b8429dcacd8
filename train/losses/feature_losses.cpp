#include "train/losses/feature_losses.hpp"

#include <vector>

namespace dfa::train {

namespace {

constexpr double kUniformityScale = 2.0;   // t in exp(-t d^2)
constexpr double kUniformityFloor = 1e-6;  // under the logarithm
constexpr double kShortestNorm = 1e-12;

// Squared distances between all rows of length 1, (N, N).
at::Tensor squared_distances(const at::Tensor& unit) {
  return 2.0 - 2.0 * at::mm(unit, unit.t());
}

}  // namespace

at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / at::linalg_vector_norm(rows, 2, {-1}, /*keepdim=*/true).clamp_min(kShortestNorm);
}

std::optional<at::Tensor> alignment_loss(const at::Tensor& unit, std::span<const std::int64_t> labels) {
  const std::size_t n = labels.size();
  std::vector<float> same(n * n, 0.0F);
  int pairs = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j)
      if (labels[i] == labels[j]) {
        same[i * n + j] = 1.0F;
        ++pairs;
      }
  if (pairs == 0) return std::nullopt;
  const std::int64_t side = static_cast<std::int64_t>(n);
  const at::Tensor chosen =
      torch::from_blob(same.data(), {side, side}, torch::kFloat32).to(unit.options(), false, true);
  return (squared_distances(unit) * chosen).sum() / pairs;
}

std::optional<at::Tensor> uniformity_loss(const at::Tensor& unit) {
  const std::int64_t n = unit.size(0);
  if (n < 2) return std::nullopt;
  const at::Tensor close = at::exp(-kUniformityScale * squared_distances(unit)).triu(1);
  const double pairs = static_cast<double>(n * (n - 1)) / 2;
  return at::log((close.sum() / pairs).clamp_min(kUniformityFloor));
}

at::Tensor consistency_loss(const at::Tensor& weak, const at::Tensor& strong) {
  const at::Tensor wanted = weak.detach().log_softmax(-1);
  return (wanted.exp() * (wanted - strong.log_softmax(-1))).sum(-1).mean();
}

}  // namespace dfa::train
