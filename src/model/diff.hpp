// What differs between two model files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace dfa {

struct MetadataDifference {
  std::string key;
  std::optional<std::string> a;  // nothing: the key is not there
  std::optional<std::string> b;
};

struct TensorDifference {
  std::string name;
  std::string kind;  // "shape 2x3 against 3x2", "type F16 against F32" (values compared all the same), or empty
  std::optional<double> largest;  // |a - b|, where the shapes are equal; NaN where one of them is no number
};

struct ModelDiff {
  std::vector<MetadataDifference> metadata;
  std::vector<std::string> only_in_a;
  std::vector<std::string> only_in_b;
  std::vector<TensorDifference> tensors;  // those that differ, largest difference first, other shapes before all
  std::size_t equal_tensors = 0;          // same type, shape and values

  bool identical() const { return metadata.empty() && only_in_a.empty() && only_in_b.empty() && tensors.empty(); }
};

// Golden vectors count as tensors. A pure function.
ModelDiff diff_models(const Model& a, const Model& b);

}  // namespace dfa
