// Over what the ranks add up what lies on their devices: NCCL between the GPUs themselves, or Gloo through the host.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "train/devices/device.hpp"
#include "train/devices/rank_group.hpp"

namespace dfa::train {

// automatic: nccl where every rank has a GPU of its own and NCCL can be had, else gloo.
enum class RankBackend { automatic, gloo, nccl };

// Why NCCL cannot be had here; nothing where it can. Asked only where the device is a GPU.
using NcclProbe = std::function<std::optional<std::string>()>;
std::optional<std::string> why_no_nccl();

// A meeting: all ranks come to the same choice, and with NCCL their GPUs are connected. Returns what to say about it;
// empty for a process alone and on processors, where there is nothing to choose. Errors: usage, where `wish` is nccl
// and a device is no GPU, two ranks have the same one, or NCCL cannot be had, naming the rank and what is missing;
// those of RankGroup::meet_on_device().
Result<std::string> choose_rank_backend(RankGroup& group, const Device& device, RankBackend wish,
                                        const NcclProbe& probe = why_no_nccl);

}  // namespace dfa::train
