// A device in torch's words, and tensors brought to it. Include only in .cpp files that see torch.
#pragma once

#include <ATen/core/Tensor.h>

#include "train/devices/device.hpp"

namespace dfa::train {

inline at::Device torch_device(const Device& device) {
  if (device.kind == DeviceKind::cpu) return at::kCPU;
  return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
}

// `host` as it is on the CPU. To a GPU it goes from pinned memory, while the processor does something else; what lies
// elsewhere is copied there first. Pinned memory of torch's is kept until the copy is done, whoever frees it.
inline at::Tensor sent_to(const at::Device& device, const at::Tensor& host) {
  if (device.is_cpu()) return host;
  return (host.is_pinned() ? host : host.pin_memory()).to(device, /*non_blocking=*/true);
}

}  // namespace dfa::train
