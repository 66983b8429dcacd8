// Sizes of a network, read off the shapes of a file's tensors. Private to the room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Larger sizes belong to no network; smaller ones cannot overflow an int.
inline constexpr std::int64_t kMaxTensorSide = 1 << 20;

class ShapeReader {
 public:
  // `weights` outlives the reader.
  explicit ShapeReader(const TensorMap& weights) : weights_(weights) {}

  bool has(std::string_view name) const { return weights_.contains(name); }

  // Size of dimension `axis` of a tensor of rank `rank`. Errors: model_incompatible.
  Result<int> size(std::string_view name, std::size_t rank, std::size_t axis) const;

  // How many of `<prefix>0.`, `<prefix>1.` ... have a tensor below them.
  int count(const std::string& prefix) const;

  // Whether one of `<prefix>0<suffix>`, `<prefix>1<suffix>` ... is there: where one is missing, the others tell of it.
  bool has_any(const std::string& prefix, const std::string& suffix) const;

 private:
  tl::unexpected<Error> missing(std::string_view name) const;

  const TensorMap& weights_;
};

// Side of a square grid of `rows` patches. Errors: model_incompatible for a number that is no square; `name` is the
// tensor whose rows were counted, `extra` says what else lies in it.
Result<int> square_side(std::string_view name, int rows, int extra);

}  // namespace dfa
