#include "train/nets/tuned_linear.hpp"

#include "train/nets/norm_linear.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {

namespace {

// tokens (N, T, in); up (P, out / P, r); down (P, r, in) -> (N, T, out)
at::Tensor thin_products(const at::Tensor& tokens, const at::Tensor& up, const at::Tensor& down) {
  const std::int64_t parts = down.size(0), rank = down.size(1);
  const at::Tensor flat = tokens.contiguous().reshape({-1, tokens.size(-1)});
  const at::Tensor narrow = at::linear(flat, down.reshape({parts * rank, down.size(2)}));  // (N T, P r)
  const at::Tensor by_part = narrow.view({-1, parts, rank}).transpose(0, 1);               // (P, N T, r)
  const at::Tensor wide = at::bmm(by_part, up.transpose(1, 2));                            // (P, N T, out / P)
  return wide.transpose(0, 1).reshape({tokens.size(0), tokens.size(1), parts * up.size(1)});
}

}  // namespace

TunedLinearImpl::TunedLinearImpl(int in, int out, const LowRankShape& low_rank)
    : weight(register_parameter("weight", torch::zeros({out, in}))),
      bias(register_parameter("bias", torch::zeros({out}))),
      shape(low_rank) {
  const std::int64_t stacked = static_cast<std::int64_t>(shape.parts) * shape.rank;
  if (shape.kind == LowRank::lora) {
    lora_a = register_parameter("lora_a", torch::zeros({stacked, in}));
    lora_b = register_parameter("lora_b", torch::zeros({out, shape.rank}));
  }
  if (shape.kind == LowRank::svd) {
    svd_u = register_parameter("svd_u", torch::zeros({out, shape.rank}));
    svd_s = register_parameter("svd_s", torch::zeros({stacked}));
    svd_v = register_parameter("svd_v", torch::zeros({stacked, in}));
    svd_u0 = register_parameter("svd_u0", torch::zeros({out, shape.rank}));
    svd_s0 = register_parameter("svd_s0", torch::zeros({stacked}));
    svd_v0 = register_parameter("svd_v0", torch::zeros({stacked, in}));
  }
}

at::Tensor TunedLinearImpl::change(const at::Tensor& tokens) const {
  const std::int64_t parts = shape.parts, rank = shape.rank;
  const auto rows = [&](const at::Tensor& t) { return t.view({parts, -1, rank}); };             // (P, out / P, R)
  const auto columns = [&](const at::Tensor& t) { return t.view({parts, rank, t.size(-1)}); };  // (P, R, in)
  if (shape.kind == LowRank::lora) return thin_products(tokens, rows(lora_b), columns(lora_a));
  const auto scaled = [&](const at::Tensor& u, const at::Tensor& s) { return rows(u) * s.view({parts, 1, rank}); };
  // U S V - U0 S0 V0 as (U S - U0 S0) V + U0 S0 (V - V0): nothing before the first step, and what has been learnt is
  // subtracted in f32, before bf16 rounds it. bf16 would not tell U from U0.
  const at::Tensor start = scaled(svd_u0, svd_s0);
  return thin_products(tokens, at::cat({scaled(svd_u, svd_s) - start, start}, 2),
                       at::cat({columns(svd_v), columns(svd_v) - columns(svd_v0)}, 1));
}

at::Tensor TunedLinearImpl::forward(const at::Tensor& tokens) {
  const at::Tensor out = linear_tokens(tokens, weight, bias);
  return shape.kind == LowRank::none ? out : out + change(tokens);
}

at::Tensor TunedLinearImpl::forward(torch::nn::LayerNorm& norm, const at::Tensor& tokens) {
  return shape.kind == LowRank::none ? norm_linear(norm, tokens, weight, bias) : forward(norm->forward(tokens));
}

}  // namespace dfa::train
