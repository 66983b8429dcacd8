#include "doctor/near_pairs.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace dfa {
namespace {

constexpr unsigned kPieceBits = 16, kWordBits = 64;

// Frame number, place of the piece, its bits: what two near looks have in common.
std::vector<std::uint64_t> pieces_of(const Look& look) {
  std::vector<std::uint64_t> pieces;
  for (std::size_t frame = 0; frame < look.size(); ++frame)
    for (unsigned half = 0; half < 2; ++half)
      for (unsigned shift = 0; shift < kWordBits; shift += kPieceBits) {
        const std::uint64_t word = half == 0 ? look[frame].across : look[frame].down;
        const std::uint64_t place = (frame << 3) | (half << 2) | (shift / kPieceBits);
        pieces.push_back((place << kPieceBits) | ((word >> shift) & 0xFFFF));
      }
  return pieces;
}

// What an item was made from: the video of its target. Names are unique within a set that has levels of compression,
// and there the level must not matter.
std::string origin_of(const SourceItem& item) {
  const std::string& path = item.source.empty() ? item.path : item.source;
  return item.compression.empty() ? path : std::filesystem::path(path).stem().string();
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> near_pairs(const std::vector<Look>& looks) {
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> items;
  for (std::size_t i = 0; i < looks.size(); ++i)
    for (const std::uint64_t piece : pieces_of(looks[i])) items[piece].push_back(i);
  std::set<std::pair<std::size_t, std::size_t>> near;
  for (const auto& [piece, members] : items) {
    if (members.size() > kCrowd) continue;
    for (std::size_t a = 0; a < members.size(); ++a)
      for (std::size_t b = a + 1; b < members.size(); ++b) {
        const auto distance = look_distance(looks[members[a]], looks[members[b]]);
        if (distance && *distance <= kNearBits) near.emplace(members[a], members[b]);
      }
  }
  return {near.begin(), near.end()};
}

bool are_related(const SourceItem& a, const SourceItem& b) {
  if (origin_of(a) == origin_of(b)) return true;
  const bool fake = a.label == 1 || b.label == 1;
  return fake && !a.identities.empty() && !b.identities.empty() && a.identities.front() == b.identities.front();
}

std::vector<std::vector<std::size_t>> groups_of(const std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
  std::map<std::size_t, std::size_t> first;  // of each index's group, not yet followed to its end
  const auto head = [&](std::size_t i) {
    while (first.at(i) != i) i = first.at(i);
    return i;
  };
  for (const auto& [a, b] : pairs) {
    first.try_emplace(a, a);
    first.try_emplace(b, b);
    const std::size_t x = head(a), y = head(b);
    first[std::max(x, y)] = std::min(x, y);
  }
  std::map<std::size_t, std::vector<std::size_t>> groups;
  for (const auto& [index, unused] : first) groups[head(index)].push_back(index);
  std::vector<std::vector<std::size_t>> list;
  for (auto& [index, members] : groups) list.push_back(std::move(members));
  return list;
}

}  // namespace dfa
