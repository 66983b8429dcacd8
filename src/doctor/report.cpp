#include "doctor/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

std::string_view extent_name(Extent extent) {
  return extent == Extent::whole ? "whole" : "part";
}

std::size_t of_label(const SourceList& list, std::optional<int> label) {
  return static_cast<std::size_t>(
      std::count_if(list.items.begin(), list.items.end(), [&](const auto& item) { return item.label == label; }));
}

std::size_t of_kind(const Examination& examination, FindingKind kind) {
  return static_cast<std::size_t>(std::count_if(examination.findings.begin(), examination.findings.end(),
                                                [&](const Finding& finding) { return finding.kind == kind; }));
}

Json counts_json(const std::vector<CountRow>& rows) {
  Json json = Json::array();
  for (const CountRow& row : rows) {
    Json entry = {{"what", row.what}, {"found", row.found}};
    if (row.expected) entry["expected"] = *row.expected;
    json.push_back(std::move(entry));
  }
  return json;
}

std::string title_of(const SourceList& list) {
  const LayoutInfo* info = layout_info(list.layout);
  return info == nullptr ? list.layout : info->title;
}

}  // namespace

std::string examination_text(const Examination& examination, const ExamineOptions& options) {
  const SourceList& list = examination.list;
  std::string text = fmt::format("{} ({}) in {}: {} real, {} fake", title_of(list), list.layout, list.root.string(),
                                 of_label(list, 0), of_label(list, 1));
  if (const std::size_t unknown = of_label(list, std::nullopt); unknown > 0)
    text += fmt::format(", {} unknown", unknown);
  text += '\n';
  for (const std::string& note : list.notes) text += fmt::format("  {}\n", note);
  text += "\nfound\n";
  for (const CountRow& row : examination.found) text += fmt::format("  {:<44}{:>8}\n", row.what, row.found);
  if (!examination.expected.empty() && options.extent == Extent::whole) {
    text += fmt::format("\n{:<46}{:>8}{:>10}\n", "the authors' counts", "found", "expected");
    for (const CountRow& row : examination.expected)
      text += fmt::format("  {:<44}{:>8}{:>10}\n", row.what, row.found, row.expected.value_or(0));
  }
  for (const FindingKind kind : finding_kinds()) {
    const std::size_t number = of_kind(examination, kind);
    if (number == 0) continue;
    text += fmt::format("\n{} ({}): {}\n", finding_name(kind), number, finding_rule(kind));
    for (const Finding& finding : examination.findings) {
      if (finding.kind != kind) continue;
      text += fmt::format("  {}: {}\n", finding.subject, finding.message);
      if (kind == FindingKind::duplicate || kind == FindingKind::near_duplicate)
        for (const std::string& other : finding.others) text += fmt::format("    {}\n", other);
    }
  }
  text +=
      examination.clean() ? "\nclean: nothing was found" : fmt::format("\n{} findings", examination.findings.size());
  if (options.open_files == OpenFiles::no)
    text += "; no file was opened (--quick): damage and duplicates were not looked for";
  return text + "\n";
}

std::string examination_json(const Examination& examination, const ExamineOptions& options) {
  const SourceList& list = examination.list;
  Json json = {
      {"schema", "dfa.doctor/1"},
      {"layout", list.layout},
      {"title", title_of(list)},
      {"root", list.root.string()},
      {"extent", extent_name(options.extent)},
      {"opened", options.open_files == OpenFiles::yes},
      {"items", {{"real", of_label(list, 0)}, {"fake", of_label(list, 1)}, {"unknown", of_label(list, std::nullopt)}}},
      {"notes", list.notes},
      {"counts", counts_json(examination.found)},
      {"expected", counts_json(examination.expected)},
      {"findings", Json::array()},
      {"summary", Json::object()},
      {"clean", examination.clean()}};
  for (const Finding& finding : examination.findings) {
    Json entry = {{"kind", finding_name(finding.kind)}, {"subject", finding.subject}};
    if (!finding.others.empty()) entry["others"] = finding.others;
    entry["message"] = finding.message;
    entry["rule"] = finding_rule(finding.kind);
    json["findings"].push_back(std::move(entry));
  }
  for (const FindingKind kind : finding_kinds())
    if (const std::size_t number = of_kind(examination, kind); number > 0)
      json["summary"][std::string(finding_name(kind))] = number;
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string explanation_text(const LayoutInfo& info) {
  std::string text = fmt::format("{}: {}\n\nfiles\n", info.name, info.title);
  for (const std::string& line : info.tree) text += fmt::format("  {}\n", line);
  text += "\nhow it is read\n";
  for (const std::string& line : info.rules) text += fmt::format("  {}\n", line);
  if (!info.counts.empty()) text += "\nthe authors' counts (for each level of compression that is there)\n";
  for (const ExpectedCount& row : info.counts)
    text += fmt::format("  {:<44}{}{:>8}\n", row.what, row.tolerance > 0 ? "about" : "     ", row.count);
  text += "\nwhat is looked for\n";
  for (const FindingKind kind : finding_kinds()) {
    if (kind == FindingKind::identity_overlap && !info.split_keeps_identities_apart) continue;
    text += fmt::format("  {:<20}{}\n", finding_name(kind), finding_rule(kind));
  }
  return text;
}

}  // namespace dfa
