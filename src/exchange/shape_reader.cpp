#include "exchange/shape_reader.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <vector>

namespace dfa {

Result<int> ShapeReader::size(std::string_view name, std::size_t rank, std::size_t axis) const {
  const auto found = weights_.find(name);
  if (found == weights_.end()) return missing(name);
  const auto& shape = found->second.shape;
  if (shape.size() != rank || shape[axis] < 1 || shape[axis] > kMaxTensorSide)
    return fail(ErrorCode::model_incompatible, "{} is {}, expected {} dimensions of at least 1", name,
                shape_text(shape), rank);
  return static_cast<int>(shape[axis]);
}

int ShapeReader::count(const std::string& prefix) const {
  int n = 0;
  while (n < kMaxTensorSide) {
    const std::string next = fmt::format("{}{}.", prefix, n);
    const auto found = weights_.lower_bound(next);
    if (found == weights_.end() || !found->first.starts_with(next)) break;
    ++n;
  }
  return n;
}

bool ShapeReader::has_any(const std::string& prefix, const std::string& suffix) const {
  const int layers = count(prefix);
  for (int i = 0; i < layers; ++i)
    if (has(fmt::format("{}{}{}", prefix, i, suffix))) return true;
  return false;
}

tl::unexpected<Error> ShapeReader::missing(std::string_view name) const {
  std::vector<std::string_view> some;
  for (const auto& [key, tensor] : weights_) {
    if (some.size() == 6) break;
    some.push_back(key);
  }
  return fail(ErrorCode::model_incompatible,
              "no tensor {}, from which the network's sizes follow; there are {}, among them {}\n"
              "  likely cause: weights of another kind of network\n  next step: see docs/model-file.md for the keys "
              "that are read",
              name, weights_.size(), fmt::join(some, ", "));
}

Result<int> square_side(std::string_view name, int rows, int extra) {
  const int patches = rows - extra;
  const int side = patches < 1 ? 0 : static_cast<int>(std::lround(std::sqrt(patches)));
  if (side < 1 || side * side != patches)
    return fail(ErrorCode::model_incompatible, "{} has {} rows, expected {} more than a square number", name, rows,
                extra == 1 ? "one" : std::to_string(extra));
  return side;
}

}  // namespace dfa
