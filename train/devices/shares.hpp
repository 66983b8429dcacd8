// Who does what of a step: how a batch falls into micro-batches and ranks, and what the ranks agree upon.
//
// Note [A batch and its parts]
// Batch s of an epoch is places s B to (s + 1) B of one order, the same on every rank. Micro-batch k of the step is its
// k-th block of B / accumulate crops, and rank r takes the r-th part of that block. So the crops of a step, the crops
// whose batch statistics are taken together, and each crop's augmentation (drawn from its place) do not depend on the
// number of ranks. What is left at the end of an epoch is dropped on all ranks alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/batch_loader.hpp"
#include "train/devices/rank_group.hpp"

namespace dfa::train {

// Crops of one forward pass of one rank. Errors: usage when `batch` does not fall into equal parts, or a part is too
// small for statistics.
Result<int> micro_batch_size(const RunConfig& config, int ranks);

// What this rank shows of an epoch, in its order: its part of every micro-batch of every whole batch. Requires `batch`
// to be a multiple of ranks x micro_batch.
std::vector<Slot> slots_of_rank(const std::vector<Slot>& slots, int batch, int micro_batch, const RankGroup& group);

// This rank's blocks of `block` places, of all blocks in turn; the last one may be incomplete.
std::vector<std::uint32_t> blocks_of_rank(std::size_t count, int block, const RankGroup& group);

// This rank's micro-batches of the next step; empty at the end.
Result<std::vector<Batch>> next_parts(BatchLoader& loader, int accumulate);

// True on all ranks when it is true on one.
Result<bool> agree_any(RankGroup& group, bool here);

// Errors: usage, naming a rank whose text differs from rank 0's; `what` says what must be equal.
Status agree_equal(RankGroup& group, std::string_view what, const std::string& text);

// Threads of torch for this rank: `threads` where it is set, else an even share of the processors, among the ranks that
// may use the same ones.
Result<int> threads_of_rank(RankGroup& group, int threads);

}  // namespace dfa::train
