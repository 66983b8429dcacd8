// Sums of tensors over the ranks. Include only in .cpp files that see torch.
#pragma once

#include <ATen/core/Tensor.h>

#include "train/devices/rank_group.hpp"

namespace dfa::train {

// The device on which a sum is best made: that of `like` where ranks meet there, else the processor.
inline at::Device summing_device(const at::Tensor& like, const RankGroup& group) {
  return group.meets_on_device() ? like.device() : at::Device(at::kCPU);
}

// In place. Requires: contiguous, f32 or f64, on summing_device(). Errors: those of a meeting.
inline Status sum_tensor(const at::Tensor& values, RankGroup& group) {
  const auto sum = [&](auto* data) {
    const std::span span(data, static_cast<std::size_t>(values.numel()));
    return group.meets_on_device() ? group.sum_on_device(span) : group.sum(span);
  };
  return values.scalar_type() == at::kDouble ? sum(values.data_ptr<double>()) : sum(values.data_ptr<float>());
}

}  // namespace dfa::train
