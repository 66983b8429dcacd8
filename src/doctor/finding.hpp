// What `dfa doctor` can find, with the rule behind each kind.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/source_list.hpp"

namespace dfa {

enum class FindingKind {
  list_missing,
  list_broken,
  empty_file,
  missing,
  unlisted,
  count,
  polarity,
  split_overlap,
  identity_overlap,
  mixed_compression,
  mask_missing,
  unreadable,
  truncated,
  duplicate,
  near_duplicate,
};

std::span<const FindingKind> finding_kinds();     // in the order of reports
std::string_view finding_name(FindingKind kind);  // stable: "near_duplicate"
std::string_view finding_rule(FindingKind kind);  // one sentence: when it is found
FindingKind finding_kind_of(LayoutFault fault);

struct Finding {
  FindingKind kind = FindingKind::missing;
  std::string subject;              // path, list, identity or row of the counts
  std::vector<std::string> others;  // further paths that it is about, in byte order
  std::string message;
};

}  // namespace dfa
