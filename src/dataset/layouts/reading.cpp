#include "dataset/layouts/reading.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

namespace dfa {
namespace {

constexpr std::array kStrongestFirst = {Role::test, Role::val, Role::calibration, Role::train};

}  // namespace

Role stronger_role(Role a, Role b) {
  for (const Role role : kStrongestFirst)
    if (role == a || role == b) return role;
  return a;
}

std::string role_names(const std::set<Role>& roles) {
  std::vector<std::string_view> names;
  for (const Role role : roles) names.push_back(role_name(role));
  return fmt::format("{}", fmt::join(names, " and "));
}

ReadingBuilder::ReadingBuilder(std::string_view layout, const FileTree& tree) {
  reading_.list.layout = layout;
  reading_.list.root = tree.root();
  if (tree.links_skipped() > 0)
    note("{} symbolic links below the root were left out: what they point to is not looked at", tree.links_skipped());
}

void ReadingBuilder::give_role(SourceItem& item, const std::set<Role>& roles, std::string_view lists) {
  if (roles.empty()) return;
  item.role = *roles.begin();
  for (const Role role : roles) item.role = stronger_role(*item.role, role);
  if (roles.size() > 1)
    find(LayoutFault::split_overlap, item.path, "{} put it into {}; expected one role", lists, role_names(roles));
}

LayoutReading ReadingBuilder::finish() {
  std::sort(reading_.list.items.begin(), reading_.list.items.end(),
            [](const SourceItem& a, const SourceItem& b) { return a.path < b.path; });
  std::stable_sort(reading_.findings.begin(), reading_.findings.end(),
                   [](const LayoutFinding& a, const LayoutFinding& b) {
                     return std::tie(a.fault, a.subject) < std::tie(b.fault, b.subject);
                   });
  return std::move(reading_);
}

}  // namespace dfa
