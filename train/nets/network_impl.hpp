// What TrainNetwork hides, for the optimisers that must see torch.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/nets/network_module.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

struct NamedTensor {
  ParameterSpec spec;
  at::Tensor tensor;  // the live one
  bool trained = false;
};

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
  NetworkImpl(const NetworkConfig& config, AttentionPath attention) : module(config, kernel_of(attention)) {}
  NetworkModule module;
  std::vector<NamedTensor> tensors;  // in the order of network_parameters()
  // Heads that only losses read (train/losses/loss_heads.hpp): they learn, and are no part of the network.
  std::vector<NamedTensor> loss_tensors;
};

}  // namespace dfa::train
