// Which crops show the same source frame, real and forged, and an order that keeps them together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

// Note [Who belongs together]
// A fake belongs to the real crop of the same frame number of the video that its `source` names, or, where `source`
// names a real crop's own path, to that crop. Where several real crops show that frame, to the first of them. All
// others are unpaired: they are shown by themselves, once an epoch, and counted when the run starts.
struct PairGroup {
  std::uint32_t real = 0;
  std::vector<std::uint32_t> fakes;  // at least one
};

struct Pairing {
  std::vector<PairGroup> groups;        // in the order of their reals
  std::vector<std::uint32_t> unpaired;  // in order
  std::size_t unpaired_fakes = 0;       // of these
};

Pairing find_pairs(const std::vector<Sample>& samples);

// Places in order, to be cut into batches of `batch`: each paired fake is in the same batch as its real and is shown
// once; a real is shown once for each batch that its fakes take, and once more where one place is left that no
// unpaired crop fills. Groups, unpaired crops and the fakes of a group come in random order. Errors: usage when nothing
// is paired or a batch has no room for a pair.
Result<std::vector<std::uint32_t>> paired_order(const std::vector<Sample>& samples, std::size_t batch,
                                                RngStream stream);

}  // namespace dfa::train
