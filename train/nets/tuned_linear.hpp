// A linear layer whose weight may carry a trained change of low rank (tuning.hpp). Without one it is torch's own layer
// under the same names: weight, bias.
#pragma once

#include <torch/torch.h>

#include "train/nets/tuning.hpp"

namespace dfa::train {

// How the weight of a layer is stacked: qkv holds three D x D matrices, each with a change of its own.
struct LowRankShape {
  LowRank kind = LowRank::none;
  int rank = 0;   // R
  int parts = 1;  // P
};

struct TunedLinearImpl : torch::nn::Module {
  TunedLinearImpl(int in, int out, const LowRankShape& low_rank);
  // (N, T, in) -> (N, T, out). The change is applied to the tokens, never multiplied out: its cost is that of two thin
  // products, and no gradient of the size of the weight is made.
  at::Tensor forward(const at::Tensor& tokens);
  // The same of norm(tokens).
  at::Tensor forward(torch::nn::LayerNorm& norm, const at::Tensor& tokens);

  at::Tensor weight, bias;            // (out, in), (out)
  at::Tensor lora_a, lora_b;          // (P R, in), (out, R); undefined without lora, the next without svd
  at::Tensor svd_u, svd_s, svd_v;     // (out, R), (P R), (P R, in)
  at::Tensor svd_u0, svd_s0, svd_v0;  // where they started
  LowRankShape shape;

 private:
  at::Tensor change(const at::Tensor& tokens) const;
};
TORCH_MODULE(TunedLinear);

}  // namespace dfa::train
