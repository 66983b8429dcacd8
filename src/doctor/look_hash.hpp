// A difference hash: whether two pictures look alike after another encoding or size. Not for proof, for suspicion.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/picture.hpp"

namespace dfa {

// 64 comparisons of neighbours along rows and 64 along columns, of the picture averaged down to 9 x 8 and 8 x 9 grey
// cells.
struct LookHash {
  std::uint64_t across = 0;
  std::uint64_t down = 0;
  bool operator==(const LookHash&) const = default;
};

// Nothing for pictures that are too small or too flat to tell apart: their comparisons are noise.
std::optional<LookHash> look_hash(const PictureView& picture);

// Bits that differ, 0 to 128. Unrelated pictures differ in about half of the bits of their structured parts.
int look_distance(const LookHash& a, const LookHash& b);

// Of one item: its frames in order.
using Look = std::vector<LookHash>;

// Mean distance below which two items look alike. Re-encoding and scaling move 0 to 5 bits of 128; at most 7 also lets
// near_pairs() find every pair through equal 16-bit pieces.
inline constexpr double kNearBits = 7;

// Mean over frames; nothing where the numbers of frames differ or there is none.
std::optional<double> look_distance(const Look& a, const Look& b);

}  // namespace dfa
