#include "train/nets/readout.hpp"

namespace dfa::train {

namespace nn = torch::nn;

QueryPoolImpl::QueryPoolImpl(const NetworkConfig& config, AttentionKernel attention)
    : queries(register_parameter("queries", torch::zeros({config.queries, kQueryWidth}))),
      kv(register_module("kv", nn::Linear(config.dim, 2 * kQueryWidth))),
      out(register_module("out", nn::Linear(kQueryWidth, config.dim))),
      kernel(attention) {}

at::Tensor QueryPoolImpl::forward(const at::Tensor& tokens) {
  const at::Tensor both = linear_tokens(tokens, kv->weight, kv->bias);
  const at::Tensor q = queries.expand({tokens.size(0), -1, -1}).to(both.scalar_type());
  const at::Tensor gathered = attend(q, both, kQueryHeads, kernel);  // (N, K, W)
  return out->forward(gathered.mean(1));
}

at::Tensor L2NormImpl::forward(const at::Tensor& feature) {
  return feature / at::linalg_vector_norm(feature, 2, {1}, /*keepdim=*/true).clamp_min(kHeadL2Eps);
}

}  // namespace dfa::train
