// What TrainNetwork hides, for the optimisers that must see torch.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/nets/named_tensor.hpp"
#include "train/nets/narrow_trunk.hpp"
#include "train/nets/network_module.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

inline AttentionKernel kernel_of(AttentionPath path) {
  switch (path) {
    case AttentionPath::published:
      return AttentionKernel::timm;
    case AttentionPath::matrices:
      return AttentionKernel::matrices;
    case AttentionPath::fused:
      break;
  }
  return AttentionKernel::fused;
}

struct NetworkImpl {
  NetworkImpl(const NetworkConfig& config, const Tuning& how, AttentionPath attention)
      : tuning(how), module(config, how, kernel_of(attention)) {}
  Tuning tuning;
  NetworkModule module;
  std::vector<NamedTensor> tensors;  // in the order of training_parameters()
  // Heads that only losses read (train/losses/loss_heads.hpp): they learn, and are no part of the network.
  std::vector<NamedTensor> loss_tensors;
  NarrowTrunk narrow_trunk;

  // Frozen weights in the form that this way of computing wants. Errors: those of NarrowTrunk.
  Status settle(Compute compute) {
    return compute == Compute::bf16 ? narrow_trunk.narrow(tensors) : narrow_trunk.widen(tensors);
  }
};

}  // namespace dfa::train
