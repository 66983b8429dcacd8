#include "doctor/set_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace dfa {
namespace {

constexpr std::size_t kShownPaths = 3;

std::string_view class_name(const SourceItem& item) {
  if (!item.label) return "unknown";
  return *item.label == 1 ? "fake" : "real";
}

bool starts_with_folder(std::string_view path, std::string_view folder) {
  // Copies spell YouTube-real and Youtube-real.
  return path.size() > folder.size() && path[folder.size()] == '/' &&
         std::equal(folder.begin(), folder.end(), path.begin(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

bool matches(const SourceItem& item, const ExpectedCount& row, std::string_view level) {
  return item.compression == level && (!row.label || item.label == row.label) && (!row.role || item.role == row.role) &&
         (row.method.empty() || item.method == row.method) &&
         (row.folder.empty() || starts_with_folder(item.path, row.folder));
}

std::size_t count_of(const SourceList& list, const ExpectedCount& row, std::string_view level) {
  return static_cast<std::size_t>(
      std::count_if(list.items.begin(), list.items.end(), [&](const auto& item) { return matches(item, row, level); }));
}

struct Counted {
  const ExpectedCount* row = nullptr;
  std::string level;
  std::size_t found = 0;
};

// Levels of the items that the rows speak of; one empty level where the set has none.
std::set<std::string> levels_of(const SourceList& list, const LayoutInfo& info) {
  std::set<std::string> levels;
  for (const SourceItem& item : list.items)
    for (const ExpectedCount& row : info.counts)
      if (matches(item, row, item.compression)) levels.insert(item.compression);
  if (levels.empty()) levels.insert("");
  return levels;
}

std::vector<Counted> counted(const SourceList& list, const LayoutInfo& info) {
  std::vector<Counted> rows;
  for (const std::string& level : levels_of(list, info)) {
    std::map<std::string, bool> there;  // methods at this level
    for (const ExpectedCount& row : info.counts) {
      const std::size_t found = count_of(list, row, level);
      if (!row.role) there[row.method] = found > 0;
      if (row.role && !row.method.empty() && !there[row.method]) continue;
      rows.push_back({&row, level, found});
    }
  }
  return rows;
}

std::string row_name(const Counted& row) {
  return row.level.empty() ? row.row->what : row.row->what + ", " + row.level;
}

}  // namespace

std::vector<CountRow> found_counts(const SourceList& list) {
  std::map<std::string, std::size_t> counts;
  for (const SourceItem& item : list.items) {
    std::string what(item.method.empty() ? class_name(item) : item.method);
    if (item.role) what += fmt::format(", {}", role_name(*item.role));
    if (!item.compression.empty()) what += ", " + item.compression;
    ++counts[what];
  }
  std::vector<CountRow> rows;
  for (const auto& [what, found] : counts) rows.push_back({what, found, std::nullopt});
  return rows;
}

std::vector<CountRow> expected_counts(const SourceList& list, const LayoutInfo& info) {
  std::vector<CountRow> rows;
  for (const Counted& row : counted(list, info)) rows.push_back({row_name(row), row.found, row.row->count});
  return rows;
}

std::vector<Finding> count_findings(const SourceList& list, const LayoutInfo& info) {
  std::vector<Finding> findings;
  for (const Counted& row : counted(list, info)) {
    const std::size_t most = row.row->count + row.row->tolerance;
    const std::size_t least = row.row->count - std::min(row.row->tolerance, row.row->count);
    if (row.found >= least && row.found <= most) continue;
    findings.push_back(
        {FindingKind::count, row_name(row), {}, fmt::format("{} found, {} expected", row.found, row.row->count)});
  }
  return findings;
}

std::vector<Finding> identity_findings(const SourceList& list) {
  std::map<std::string, std::map<Role, std::vector<std::string>>> uses;
  for (const SourceItem& item : list.items)
    if (item.role)
      for (const std::string& identity : std::set<std::string>(item.identities.begin(), item.identities.end()))
        uses[identity][*item.role].push_back(item.path);
  std::vector<Finding> findings;
  for (const auto& [identity, roles] : uses) {
    if (roles.size() < 2) continue;
    Finding finding = {FindingKind::identity_overlap, identity, {}, ""};
    std::vector<std::string> texts;
    for (const auto& [role, paths] : roles) {
      const std::size_t shown = std::min(paths.size(), kShownPaths);
      const std::vector<std::string> first(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(shown));
      texts.push_back(fmt::format("{} ({} items: {}{})", role_name(role), paths.size(), fmt::join(first, ", "),
                                  shown < paths.size() ? ", ..." : ""));
      finding.others.insert(finding.others.end(), paths.begin(), paths.end());
    }
    std::sort(finding.others.begin(), finding.others.end());
    finding.message = fmt::format("serves {}", fmt::join(texts, " and "));
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> compression_findings(const SourceList& list) {
  std::map<std::string, std::set<std::string>> levels;  // by method, "" = real
  for (const SourceItem& item : list.items)
    if (!item.compression.empty()) levels[item.label == 0 ? "" : item.method].insert(item.compression);
  if (levels.size() < 2) return {};
  const auto reals = levels.find("");
  const std::set<std::string>& wanted = reals != levels.end() ? reals->second : levels.begin()->second;
  std::vector<Finding> findings;
  for (const auto& [method, there] : levels)
    if (there != wanted)
      findings.push_back(
          {FindingKind::mixed_compression,
           method,
           {},
           fmt::format("is there at {}, {} at {}", fmt::join(there, ", "),
                       reals != levels.end() ? "the real videos" : levels.begin()->first, fmt::join(wanted, ", "))});
  return findings;
}

std::string mask_coverage(const SourceList& list) {
  std::size_t fakes = 0, masks = 0;
  for (const SourceItem& item : list.items) {
    fakes += item.label == 1;
    masks += item.label == 1 && !item.mask.empty();
  }
  return masks == 0 ? "" : fmt::format("{} of {} fakes have a mask", masks, fakes);
}

}  // namespace dfa
