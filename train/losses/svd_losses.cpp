#include "train/losses/svd_losses.hpp"

#include "train/nets/tuned_linear.hpp"

namespace dfa::train {

namespace {

// The factors of one layer, a matrix of its stack at a time: P of them.
struct Residual {
  explicit Residual(const TunedLinearImpl& layer)
      : parts(layer.shape.parts),
        rank(layer.shape.rank),
        weight(layer.weight.to(layer.svd_u.scalar_type()).view({parts, -1, layer.weight.size(1)})),
        u(columns(layer.svd_u)),
        u0(columns(layer.svd_u0)),
        v(rows(layer.svd_v)),
        v0(rows(layer.svd_v0)),
        s(layer.svd_s.view({parts, 1, rank})),
        s0(layer.svd_s0.view({parts, 1, rank})) {}

  at::Tensor columns(const at::Tensor& t) const { return t.view({parts, -1, rank}); }
  at::Tensor rows(const at::Tensor& t) const { return t.view({parts, rank, -1}).transpose(1, 2); }

  std::int64_t parts, rank;
  at::Tensor weight;        // (P, D, D)
  at::Tensor u, u0, v, v0;  // (P, D, R): directions are columns here, of both sides
  at::Tensor s, s0;         // (P, 1, R)
};

// t^T t or t^T other. (P, D, R) -> (P, R, R)
at::Tensor gram(const at::Tensor& t, const at::Tensor& other) {
  return at::bmm(t.transpose(1, 2), other);
}

at::Tensor squares(const at::Tensor& t) {
  return (t * t).sum();
}

// Sum over the parts of |[principal, t]^T [principal, t] - I|^2, where [principal, start] is orthonormal and whole.
at::Tensor away_from_orthonormal(const at::Tensor& t, const at::Tensor& start) {
  const at::Tensor in_principal = t - at::bmm(start, gram(start, t));
  const at::Tensor among = gram(t, t) - torch::eye(t.size(2), t.options());
  return 2.0 * squares(in_principal) + squares(among);
}

at::Tensor orthogonality_of(const Residual& r) {
  return away_from_orthonormal(r.u, r.u0) + away_from_orthonormal(r.v, r.v0);
}

at::Tensor norm_change_of(const Residual& r) {
  const at::Tensor scaled = r.u * r.s;  // U S
  const at::Tensor principal = at::bmm(r.weight, r.v) - at::bmm(r.u0 * r.s0, gram(r.v0, r.v));
  const at::Tensor cross = (scaled * principal).sum({1, 2});
  const at::Tensor size = (gram(scaled, scaled) * gram(r.v, r.v)).sum({1, 2});
  return (2.0 * cross + size - (r.s0 * r.s0).sum({1, 2})).abs().sum();
}

template <class Term>
std::optional<at::Tensor> mean_over_matrices(const NetworkModule& module, const Term& term) {
  at::Tensor sum;
  std::int64_t matrices = 0;
  for (const auto& part : module->modules()) {
    const auto* layer = part->as<TunedLinearImpl>();
    if (layer == nullptr || layer->shape.kind != LowRank::svd) continue;
    const at::Tensor value = term(Residual(*layer));
    sum = sum.defined() ? sum + value : value;
    matrices += layer->shape.parts;
  }
  if (matrices == 0) return std::nullopt;
  return sum / static_cast<double>(matrices);
}

}  // namespace

std::optional<at::Tensor> svd_orthogonality(const NetworkModule& module) {
  return mean_over_matrices(module, orthogonality_of);
}

std::optional<at::Tensor> svd_norm_change(const NetworkModule& module) {
  return mean_over_matrices(module, norm_change_of);
}

}  // namespace dfa::train
