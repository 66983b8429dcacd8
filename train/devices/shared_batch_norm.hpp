// Batch norm whose batch is that of all ranks. c10d's C++ API has none.
//
// With x of all ranks' crops, N values a channel: m = sum x / N, v = sum (x - m)^2 / N, y = w (x - m) / sqrt(v + eps) +
// b. The running variance takes v N / (N - 1), as torch's does. Backward, with g the gradient of y and h = (x - m) / s:
// dx = w / s (g - sum(g) / N - h sum(g h) / N), both sums over all ranks; dw and db stay this rank's, as every other
// parameter's gradient does.
#pragma once

#include <torch/torch.h>

#include "train/devices/rank_group.hpp"

namespace dfa::train {

// Without a group, and in eval mode, torch's own norm, bit for bit. Names and options are torch's.
struct SharedBatchNorm1dImpl : torch::nn::BatchNorm1dImpl {
  using BatchNorm1dImpl::BatchNorm1dImpl;
  at::Tensor forward(const at::Tensor& input);  // (N, C)
  RankGroup* group = nullptr;                   // null or alone: this process's batch
};
TORCH_MODULE(SharedBatchNorm1d);

struct SharedBatchNorm2dImpl : torch::nn::BatchNorm2dImpl {
  using BatchNorm2dImpl::BatchNorm2dImpl;
  at::Tensor forward(const at::Tensor& input);  // (N, C, H, W)
  RankGroup* group = nullptr;
};
TORCH_MODULE(SharedBatchNorm2d);

}  // namespace dfa::train
