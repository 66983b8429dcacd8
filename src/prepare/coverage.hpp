// What of a data set became crops and what did not, counted per class and method. Nothing that is missing is replaced
// by another sample, so these counts belong beside every number measured on the crops.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataset/source_list.hpp"
#include "prepare/item_result.hpp"
#include "prepare/shared_crops.hpp"

namespace dfa {

struct CoverageRow {
  std::int64_t items = 0;
  std::array<std::int64_t, kItemOutcomes.size()> outcomes{};  // by place in kItemOutcomes; add up to items
  std::int64_t by_mask = 0;                                   // used items whose face the mask chose
  std::int64_t with_landmarks68 = 0;                          // crops whose 68 points were found
  FrameCounts frames;

  std::int64_t count(ItemOutcome outcome) const;
  void add(const ItemResult& result);
};

struct MissingItem {
  std::string path;
  std::optional<int> label;
  std::string method;
  Role role = Role::test;  // that its crops would have had
  std::string set;
  std::string identity;  // as in the manifest
  ItemOutcome outcome = ItemOutcome::unreadable;
  std::string reason;
};

struct Coverage {
  std::string layout;
  std::vector<std::string> reading;       // how the layout was read: notes of the source list
  std::vector<std::string> compressions;  // levels of the items, in byte order; empty where the set has none
  std::string recipe;                     // name
  std::string recipe_sha256;              // crop_recipe_hash()
  CoverageRow all;
  // By label ("real", "fake", "unknown") and method.
  std::map<std::pair<std::string, std::string>, CoverageRow> classes;
  std::vector<MissingItem> missing;  // items that gave no crop, in the order of the list
  std::vector<SharedCrop> shared;    // crops left out of the manifest: an equal one has another role
  // Items that were used although something was wrong with them: path and note.
  std::vector<std::pair<std::string, std::string>> notes;
};

// `results`: one an item, in the order of the list. `default_role`: of items without one.
Coverage count_coverage(const SourceList& list, std::span<const ItemResult* const> results,
                        Role default_role = Role::test);

// The identities of an item as the manifest has them: "000+003".
std::string joined_identities(const SourceItem& item);

// `dfa.coverage/1`, and the same for people. Equal coverage gives equal bytes.
std::string coverage_json(const Coverage& coverage);
std::string coverage_text(const Coverage& coverage);

}  // namespace dfa
