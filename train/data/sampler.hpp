// Which crops an epoch shows, in which order.
#pragma once

#include <cstdint>
#include <vector>

#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

// Indices into `samples`. Depends on (seed, epoch) and nothing that happened before.
//   shuffle:  every sample once.
//   balanced: `count` draws, real and fake in turn, fakes in turn over their methods; each group is walked through in
//   an order of its own
//             and again from the start, newly shuffled, when it is used up.
// Errors: usage when balanced has no sample of a class.
Result<std::vector<std::uint32_t>> epoch_order(const std::vector<Sample>& samples, Sampling sampling, std::size_t count,
                                               std::uint64_t seed, std::uint64_t epoch);

}  // namespace dfa::train
