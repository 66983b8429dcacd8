// Which spatial tokens count as forged and which as untouched in the patch contrast.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dfa::train {

// Above this share of its area a patch counts as forged.
inline constexpr double kForgedShare = 0.5;
// Up to this share it counts as untouched: the faint skirts of soft masks are left out. What lies between is of neither
// kind.
inline constexpr double kUntouchedShare = 0.05;
// Patches of each kind and level that are compared. The similarities are (patches, patches): 512 take 4 MB, all of a
// batch of 32 at 224 px would take 2.5 GB.
inline constexpr std::size_t kMostPatches = 512;

struct PatchChoice {
  std::vector<std::int64_t> forged, untouched;  // row numbers, rising
  // Each patch needs another one of its kind.
  bool enough() const { return forged.size() >= 2 && untouched.size() >= 2; }
};

// Of more than kMostPatches of a kind, evenly spaced ones are taken, so that every sample of the batch has its part.
PatchChoice choose_patches(std::span<const double> shares);

}  // namespace dfa::train
