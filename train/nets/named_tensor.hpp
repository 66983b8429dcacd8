// A live tensor of a network and what it is. Torch: include only in .cpp files of dfa_train_torch.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "nn/network_config.hpp"

namespace dfa::train {

struct NamedTensor {
  ParameterSpec spec;
  at::Tensor tensor;  // the live one
  bool trained = false;
};

}  // namespace dfa::train
