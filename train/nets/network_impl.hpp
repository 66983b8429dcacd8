// What TrainNetwork hides, for the optimisers that must see torch.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/devices/torch_device.hpp"
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
  NetworkImpl(const NetworkConfig& config, const Tuning& how, AttentionPath attention, const Device& where)
      : tuning(how), module(config, how, kernel_of(attention)), device(torch_device(where)) {
    if (!device.is_cpu()) module->to(device);
  }
  Tuning tuning;
  NetworkModule module;
  at::Device device;                 // of every tensor of the network, its losses, its optimiser
  std::vector<NamedTensor> tensors;  // in the order of training_parameters()
  // Heads that only losses read (train/losses/loss_heads.hpp): they learn, and are no part of the network.
  std::vector<NamedTensor> loss_tensors;
  NarrowTrunk narrow_trunk;

  // Frozen weights in the form that this way of computing wants. A GPU keeps them in f32, and autocast's rounded copies
  // for the length of a step. Errors: those of NarrowTrunk.
  Status settle(Compute compute) {
    if (!device.is_cpu()) return {};
    return compute == Compute::bf16 ? narrow_trunk.narrow(tensors) : narrow_trunk.widen(tensors);
  }
};

}  // namespace dfa::train
