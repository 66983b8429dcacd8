// A device in torch's words, and tensors brought to it. Include only in .cpp files that see torch.
#pragma once

#include <ATen/core/Tensor.h>

#include "train/devices/device.hpp"

namespace dfa::train {

inline at::Device torch_device(const Device& device) {
  if (device.kind == DeviceKind::cpu) return at::kCPU;
  return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
}

// `host` as it is on the CPU. For a GPU it is copied into pinned memory first, from where it goes over while the
// processor does something else; torch keeps that memory until the copy is done.
inline at::Tensor sent_to(const at::Device& device, const at::Tensor& host) {
  return device.is_cpu() ? host : host.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace dfa::train
