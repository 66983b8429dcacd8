// A bf16 tensor's elements as the row kernels take them.
#pragma once

#include <torch/torch.h>

#include "train/nets/row_kernels.hpp"

namespace dfa::train {

// Requires a contiguous bf16 tensor.
inline Bf16Bits* bits(const at::Tensor& t) {
  return reinterpret_cast<Bf16Bits*>(t.data_ptr<at::BFloat16>());
}

inline const Bf16Bits* const_bits(const at::Tensor& t) {
  return reinterpret_cast<const Bf16Bits*>(t.const_data_ptr<at::BFloat16>());
}

}  // namespace dfa::train
