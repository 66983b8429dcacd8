// Checks on the list of items alone: counts, identities, levels, masks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/source_list.hpp"
#include "doctor/finding.hpp"

namespace dfa {

struct CountRow {
  std::string what;  // "real", "Deepfakes, test"; with the level where the set has levels
  std::size_t found = 0;
  std::optional<std::size_t> expected;  // nothing: the authors give no figure
};

// Items by class, method, role and level, as they are there.
std::vector<CountRow> found_counts(const SourceList& list);
// The authors' rows with what was found. Of a method that is absent only the whole is a row.
std::vector<CountRow> expected_counts(const SourceList& list, const LayoutInfo& info);
// A finding for each row that differs by more than the authors' rounding.
std::vector<Finding> count_findings(const SourceList& list, const LayoutInfo& info);

// Identities in two roles: findings where the set keeps them apart, else their number for a note.
std::vector<Finding> identity_findings(const SourceList& list);
// Classes that are there at other levels than the real videos.
std::vector<Finding> compression_findings(const SourceList& list);
// "36 of 40 fakes have a mask"; empty where there is none at all.
std::string mask_coverage(const SourceList& list);

}  // namespace dfa
