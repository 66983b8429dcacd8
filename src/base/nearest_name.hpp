// "Did you mean ...?" for a name that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dfa {

// The known name that takes the fewest insertions, deletions and replacements. Requires a non-empty list. O(length^2)
// per name.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);
std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace dfa
