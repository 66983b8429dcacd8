// What an epoch shows, place by place: ordinary crops by the sampling rule, and self-blended pairs among them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

enum class SlotKind {
  crop,
  blended_real,  // the real side of a self-blended pair
  blended_fake   // its forged side; both name the same crop and stream
};

struct Slot {
  std::uint32_t sample = 0;  // into the crop set
  SlotKind kind = SlotKind::crop;
  std::uint64_t stream = 0;  // names the random numbers of the place: unique in the epoch, one for a pair
  bool operator==(const Slot&) const = default;
};

// An order of crops as slots; the place is the stream.
std::vector<Slot> crop_slots(const std::vector<std::uint32_t>& order);

struct PlanOptions {
  Sampling sampling = Sampling::shuffle;
  std::size_t samples_per_epoch = 0;  // 0 = as many as there are crops; see plan_epoch()
  double self_blend = 0;              // share of each batch
  std::size_t batch = 32;             // of one step, over all devices
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

// Depends on its arguments and nothing that happened before.
//   Without self_blend: epoch_order() or paired_order(), the incomplete batch at the end included.
//   With it: each batch begins with round(self_blend * batch / 2) pairs (real, self-blended), whose crops are drawn
//   from `blendable` in random order, again and again; the sampling rule fills the rest. There are as many batches as
//   without; with self_blend 1 as many as show each crop of `blendable` once, and no other crop is shown. An ordinary
//   crop is then not shown every epoch under `shuffle`: which ones are left out is drawn anew each time.
// samples_per_epoch is for balanced sampling and for self_blend 1; a real and its blend count as two.
// Errors: those of the orders; usage when self_blend is below one pair, or 1 with an odd batch.
Result<std::vector<Slot>> plan_epoch(const std::vector<Sample>& samples, std::span<const std::uint32_t> blendable,
                                     const PlanOptions& options);

}  // namespace dfa::train
