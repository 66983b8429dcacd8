// Lists of names in words, as reports on model files show them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dfa {

// Shown of a long list; the JSON forms hold all of it.
inline constexpr std::size_t kShownOfList = 20;

// On one line, its end cut off where it is long.
std::string cut_line(std::string text);
// "title (count)", then the names, one a line, and how many more there are; empty for an empty list.
std::string list_text(std::string_view title, const std::vector<std::string>& names);

}  // namespace dfa
