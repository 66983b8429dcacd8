#include "doctor/finding.hpp"

#include <array>

namespace dfa {
namespace {

struct Entry {
  FindingKind kind;
  std::string_view name, rule;
};

constexpr std::array<Entry, 15> kEntries = {{
    {FindingKind::list_missing, "list_missing", "a list of the layout is not there"},
    {FindingKind::list_broken, "list_broken", "a list is empty, cut short, not of its format, or contradicts itself"},
    {FindingKind::empty_file, "empty_file", "a JSON, CSV or text file holds no byte"},
    {FindingKind::missing, "missing", "a list, pair or level demands it, and it is not there"},
    {FindingKind::unlisted, "unlisted", "it is there, but in none of the lists that name every item"},
    {FindingKind::count, "count", "the authors' own count is another (left out with --subset)"},
    {FindingKind::polarity, "polarity", "two sources of its label disagree: class folder, list, original"},
    {FindingKind::split_overlap, "split_overlap", "one item is listed for two roles"},
    {FindingKind::identity_overlap, "identity_overlap",
     "one person or original serves two roles in a set that keeps them apart"},
    {FindingKind::mixed_compression, "mixed_compression", "a class is there at other levels than the real videos"},
    {FindingKind::mask_missing, "mask_missing", "the forgery has masks, but not for this item"},
    {FindingKind::unreadable, "unreadable", "the file does not open, or frames of it do not decode"},
    {FindingKind::truncated, "truncated", "the file ends before its own structure says so"},
    {FindingKind::duplicate, "duplicate", "items of equal bytes (SHA-256)"},
    {FindingKind::near_duplicate, "near_duplicate",
     "items of one class that look alike (difference hash of four frames) and are not made from one video"},
}};

const Entry& entry_of(FindingKind kind) {
  for (const Entry& entry : kEntries)
    if (entry.kind == kind) return entry;
  return kEntries.front();
}

}  // namespace

std::span<const FindingKind> finding_kinds() {
  static const std::array<FindingKind, kEntries.size()> kinds = [] {
    std::array<FindingKind, kEntries.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kEntries[i].kind;
    return all;
  }();
  return kinds;
}

std::string_view finding_name(FindingKind kind) {
  return entry_of(kind).name;
}
std::string_view finding_rule(FindingKind kind) {
  return entry_of(kind).rule;
}

FindingKind finding_kind_of(LayoutFault fault) {
  switch (fault) {
    case LayoutFault::list_missing:
      return FindingKind::list_missing;
    case LayoutFault::list_broken:
      return FindingKind::list_broken;
    case LayoutFault::missing:
      return FindingKind::missing;
    case LayoutFault::polarity:
      return FindingKind::polarity;
    case LayoutFault::unlisted:
      return FindingKind::unlisted;
    case LayoutFault::split_overlap:
      return FindingKind::split_overlap;
    case LayoutFault::mask_missing:
      return FindingKind::mask_missing;
    case LayoutFault::empty_file:
      return FindingKind::empty_file;
  }
  return FindingKind::list_broken;
}

}  // namespace dfa
