#include "doctor/near_pairs.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::Pair;

Look random_look(RngStream& rng) {
  Look look(4);
  for (LookHash& hash : look) hash = {rng.next_u64(), rng.next_u64()};
  return look;
}

// The pieces must not lose a pair: compared with all pairs, for distances on both sides of the bound.
TEST(NearPairs, FindsWhatComparingAllFinds) {
  RngStream rng(7, "near-pairs");
  std::vector<Look> looks;
  for (int i = 0; i < 60; ++i) {
    looks.push_back(random_look(rng));
    Look near = looks.back();
    for (LookHash& hash : near)
      for (std::uint64_t flips = rng.below(12); flips > 0; --flips)
        (rng.chance(0.5) ? hash.across : hash.down) ^= std::uint64_t{1} << rng.below(64);
    looks.push_back(near);
  }
  std::vector<std::pair<std::size_t, std::size_t>> all;
  for (std::size_t a = 0; a < looks.size(); ++a)
    for (std::size_t b = a + 1; b < looks.size(); ++b)
      if (*look_distance(looks[a], looks[b]) <= kNearBits) all.emplace_back(a, b);
  EXPECT_GT(all.size(), 20U);
  EXPECT_LT(all.size(), 60U);
  EXPECT_EQ(near_pairs(looks), all);
}

TEST(NearPairs, ItemsWithoutALookHaveNone) {
  EXPECT_TRUE(near_pairs({Look{}, Look{}, Look{}}).empty());
}

TEST(NearPairs, Groups) {
  EXPECT_THAT(groups_of({{1, 5}, {2, 3}, {5, 9}, {3, 7}}), ElementsAre(ElementsAre(1, 5, 9), ElementsAre(2, 3, 7)));
}

SourceItem item(const std::string& path, int label, const std::string& source, std::vector<std::string> identities,
                const std::string& compression = "") {
  SourceItem made;
  made.path = path;
  made.label = label;
  made.source = source;
  made.identities = std::move(identities);
  made.compression = compression;
  return made;
}

TEST(Related, OneOriginOneTargetAnyLevel) {
  const SourceItem real = item("o/c23/000.mp4", 0, "", {"000"}, "c23");
  const SourceItem other_level = item("o/c40/000.mp4", 0, "", {"000"}, "c40");
  const SourceItem other = item("o/c23/001.mp4", 0, "", {"001"}, "c23");
  const SourceItem fake = item("m/A/c23/000_001.mp4", 1, "o/c23/000.mp4", {"000", "001"}, "c23");
  const SourceItem orphan = item("m/B/c40/000_001.mp4", 1, "", {"000", "001"}, "c40");
  EXPECT_TRUE(are_related(real, other_level));
  EXPECT_TRUE(are_related(real, fake));
  EXPECT_TRUE(are_related(fake, orphan));
  EXPECT_FALSE(are_related(real, other));
  EXPECT_FALSE(are_related(other, fake));
  // Two recordings of one person are two videos: a copy among them is worth a finding.
  EXPECT_FALSE(are_related(item("a/id1_0.mp4", 0, "", {"id1"}), item("a/id1_1.mp4", 0, "", {"id1"})));
  // Without levels a name proves nothing: other folders use it again.
  EXPECT_FALSE(are_related(item("train/real/1.png", 0, "", {}), item("test/real/1.png", 0, "", {})));
}

}  // namespace
}  // namespace dfa
