// Which items look alike although they should not.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "doctor/item_facts.hpp"

namespace dfa {

// Pairs (i < j) whose looks are at most kNearBits apart, in order. Two looks that near have a frame that differs in at
// most 7 of 128 bits, so one of its eight 16-bit pieces is equal: candidates come from equal pieces. Pieces shared by
// more than kCrowd items say nothing (black borders) and are passed over. Time: about linear in the items.
inline constexpr std::size_t kCrowd = 2000;
std::vector<std::pair<std::size_t, std::size_t>> near_pairs(const std::vector<Look>& looks);

// Whether two items are bound to look alike: the same video at two levels or in two forgeries, a fake and what it was
// made from, fakes of one target.
bool are_related(const SourceItem& a, const SourceItem& b);

// Groups of indices joined by pairs, each in order, the groups by their first.
std::vector<std::vector<std::size_t>> groups_of(const std::vector<std::pair<std::size_t, std::size_t>>& pairs);

}  // namespace dfa
