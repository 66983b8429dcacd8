// Ranks that talk over TCP: c10d's store and Gloo; their GPUs over NCCL where they are connected (nccl_sums.hpp). c10d
// is known here and there alone.
#pragma once

#include "train/devices/rank_group.hpp"

namespace dfa::train {

// As RankGroup::join(). Requires environment.size > 1.
Result<std::unique_ptr<RankGroup>> join_gloo_group(const RankEnvironment& environment,
                                                   std::chrono::milliseconds timeout);

}  // namespace dfa::train
