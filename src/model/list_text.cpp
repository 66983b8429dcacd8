#include "model/list_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dfa {
namespace {

constexpr std::size_t kShownBytes = 200;

}  // namespace

std::string cut_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
}

std::string list_text(std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  const std::size_t shown = std::min(kShownOfList, names.size());
  std::string text = fmt::format("{} ({})\n", title, names.size());
  for (std::size_t i = 0; i < shown; ++i) text += "  " + cut_line(names[i]) + "\n";
  if (shown < names.size()) text += fmt::format("  ... and {} more\n", names.size() - shown);
  return text;
}

}  // namespace dfa
