#include "base/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace dfa {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view cut = name.substr(0, 100);  // names come from outside
  return *std::min_element(known.begin(), known.end(), [&](std::string_view a, std::string_view b) {
    return edit_distance(cut, a) < edit_distance(cut, b);
  });
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  return std::string(nearest_name(name, std::vector<std::string_view>(known.begin(), known.end())));
}

}  // namespace dfa
