// Multi-head attention, in the ways that AttentionPath (train_network.hpp) offers. The same function in every way;
// costs and roundings differ.
#pragma once

#include <torch/torch.h>

namespace dfa::train {

//   fused: scaled_dot_product_attention, no T x T matrix in memory
//   timm: (q k^T) * scale, softmax, times v, in the order of timm's ViT
//   matrices: (q * scale) k^T, softmax, times v, as batched matrix products on contiguous heads; the T x T weights are
//   not kept but computed again in the backward pass
enum class AttentionKernel { fused, timm, matrices };

// softmax(q k^T / sqrt(D/H)) v with H heads -> (N, Tq, D).
// of itself: qkv (N, T, 3 D), all q, then k, then v
at::Tensor attend_to_itself(const at::Tensor& qkv, int heads, AttentionKernel kernel);
// q: (N, Tq, D), kv: (N, Tk, 2 D), all k, then v
at::Tensor attend(const at::Tensor& q, const at::Tensor& kv, int heads, AttentionKernel kernel);

}  // namespace dfa::train
