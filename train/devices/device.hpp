// On which device the tensors of a training live: chosen once, and asked by everything that places tensors.
//
// Note [CUDA at run time]
// The program is linked against libtorch's CPU part alone. A GPU's kernels register themselves when libtorch_cuda is
// loaded, which happens when a configuration first asks for one; it lies beside libtorch_cpu and wants NVIDIA's
// libraries (cuBLAS, cuDNN, NCCL, ...), which only scripts/setup --cuda fetches. How ranks on GPUs meet, over NCCL or
// through host memory, is the matter of rank_backend.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dfa::train {

enum class DeviceKind { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;  // of the machine's GPUs; 0 for cpu

  bool operator==(const Device&) const = default;
};

// "cpu", "cuda:1"
std::string device_name(const Device& device);

// What the configuration says: cpu, cuda (the GPU of this rank's number on its machine), cuda:N, auto (cuda where it
// can be used, else cpu).
struct DeviceWish {
  enum class Kind { cpu, cuda, automatic };
  Kind kind = Kind::cpu;
  std::optional<int> index;  // of cuda:N

  bool operator==(const DeviceWish&) const = default;
};

// Errors: usage, listing the known words.
Result<DeviceWish> device_by_word(std::string_view word);
std::string device_word(const DeviceWish& wish);

// `local_rank`: this process's number among those of its machine. Errors: usage, with what libtorch or the loader says,
// when a GPU is asked for that is not there.
Result<Device> choose_device(const DeviceWish& wish, int local_rank);

}  // namespace dfa::train
