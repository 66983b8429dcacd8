#include "doctor/examine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "doctor/near_pairs.hpp"

namespace dfa {
namespace {

void add(std::vector<Finding>& to, std::vector<Finding> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Finding> layout_findings(const LayoutReading& reading) {
  std::vector<Finding> findings;
  for (const LayoutFinding& found : reading.findings)
    findings.push_back({finding_kind_of(found.fault), found.subject, {}, found.message});
  return findings;
}

std::vector<Finding> damage_findings(const std::vector<ItemFacts>& facts) {
  std::vector<Finding> findings;
  for (const ItemFacts& item : facts)
    for (const FileProblem& problem : item.problems) {
      const bool cut = problem.error.code == ErrorCode::media_truncated;
      findings.push_back(
          {cut ? FindingKind::truncated : FindingKind::unreadable, problem.path, {}, problem.error.message});
    }
  return findings;
}

// A finding of items that belong together: the first is the subject.
Finding group_finding(FindingKind kind, const SourceList& list, const std::vector<std::size_t>& members) {
  Finding finding = {kind, list.items[members.front()].path, {}, ""};
  std::set<Role> roles;
  std::set<int> labels;
  for (const std::size_t i : members) {
    const SourceItem& item = list.items[i];
    if (i != members.front()) finding.others.push_back(item.path);
    if (item.role) roles.insert(*item.role);
    if (item.label) labels.insert(*item.label);
  }
  finding.message = fmt::format("{} {}{}{}", kind == FindingKind::duplicate ? "has the bytes of" : "looks like",
                                finding.others.front(),
                                finding.others.size() > 1 ? fmt::format(" and {} more", finding.others.size() - 1) : "",
                                roles.size() > 1 ? "; they serve different roles" : "");
  if (labels.size() > 1) finding.message += "; their labels differ";
  return finding;
}

// Equal bytes, whatever the class. `copies` takes the items concerned.
std::vector<Finding> duplicate_findings(const SourceList& list, const std::vector<ItemFacts>& facts,
                                        std::set<std::size_t>& copies) {
  std::map<std::string_view, std::vector<std::size_t>> by_hash;
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (!facts[i].sha256.empty()) by_hash[facts[i].sha256].push_back(i);
  std::vector<Finding> findings;
  for (const auto& [hash, members] : by_hash) {
    if (members.size() < 2) continue;
    copies.insert(members.begin(), members.end());
    findings.push_back(group_finding(FindingKind::duplicate, list, members));
  }
  return findings;
}

// Items of one class that look alike and are neither related nor byte copies, which are told already.
std::vector<Finding> near_findings(const SourceList& list, const std::vector<ItemFacts>& facts,
                                   const std::set<std::size_t>& copies) {
  std::vector<Look> looks(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (!copies.contains(i)) looks[i] = facts[i].look;
  std::vector<std::pair<std::size_t, std::size_t>> pairs = near_pairs(looks);
  std::erase_if(pairs, [&](const auto& pair) {
    const SourceItem &a = list.items[pair.first], &b = list.items[pair.second];
    return a.label != b.label || are_related(a, b);
  });
  std::vector<Finding> findings;
  for (const std::vector<std::size_t>& members : groups_of(pairs))
    findings.push_back(group_finding(FindingKind::near_duplicate, list, members));
  return findings;
}

Status look_at_files(Examination& examination, const ExamineOptions& options, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(std::vector<ItemFacts> facts, look_at_items(examination.list, options.look, cancel));
  std::set<std::size_t> copies;
  add(examination.findings, damage_findings(facts));
  add(examination.findings, duplicate_findings(examination.list, facts, copies));
  add(examination.findings, near_findings(examination.list, facts, copies));
  for (ItemFacts& item : facts)
    examination.hashes.insert(examination.hashes.end(), std::make_move_iterator(item.files.begin()),
                              std::make_move_iterator(item.files.end()));
  std::sort(examination.hashes.begin(), examination.hashes.end(),
            [](const FileHash& a, const FileHash& b) { return a.path < b.path; });
  return {};
}

void check_set(Examination& examination, const LayoutInfo& info, Extent extent) {
  const SourceList& list = examination.list;
  examination.found = found_counts(list);
  examination.expected = expected_counts(list, info);
  if (extent == Extent::whole) add(examination.findings, count_findings(list, info));
  std::vector<Finding> identities = identity_findings(list);
  if (info.split_keeps_identities_apart)
    add(examination.findings, std::move(identities));
  else if (!identities.empty())
    examination.list.notes.push_back(
        fmt::format("{} identities serve more than one role; the official split of this set does not keep them apart",
                    identities.size()));
  add(examination.findings, compression_findings(list));
  if (std::string masks = mask_coverage(list); !masks.empty()) examination.list.notes.push_back(std::move(masks));
}

}  // namespace

Result<Examination> examine(std::string_view layout, const std::filesystem::path& root, const ExamineOptions& options,
                            const CancelFlag& cancel) {
  LayoutOptions layout_options = options.layout;
  layout_options.cancel = &cancel;
  DFA_ASSIGN_OR_RETURN(LayoutReading reading, inspect_layout(layout, root, layout_options));
  Examination examination;
  examination.findings = layout_findings(reading);
  examination.list = std::move(reading.list);
  if (const LayoutInfo* info = layout_info(examination.list.layout); info != nullptr)
    check_set(examination, *info, options.extent);
  if (options.open_files == OpenFiles::yes) DFA_TRY(look_at_files(examination, options, cancel));
  std::stable_sort(examination.findings.begin(), examination.findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.kind, a.subject) < std::tie(b.kind, b.subject);
  });
  return examination;
}

std::string checksum_text(const std::vector<FileHash>& hashes) {
  std::string text;
  for (const FileHash& hash : hashes) text += fmt::format("{}  {}\n", hash.sha256, hash.path);
  return text;
}

}  // namespace dfa
