// What became of each tensor of a file: the four lists that end every load, and the tensors ignored by name.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

struct LoadReport {
  std::size_t matched = 0;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;   // "name (F32 2x3)"
  std::vector<std::string> wrong_shape;  // "name is F32 2x3, expected F32, F16 or BF16 3x2"
  std::vector<std::string> not_finite;   // weights that hold NaN or infinity: right in shape, useless in value
  std::vector<std::string> ignored;      // dropped because of their name, in words

  bool ok() const { return missing.empty() && unexpected.empty() && wrong_shape.empty() && not_finite.empty(); }
  // One line of counts, then the non-empty lists, each cut after `most` names. No trailing newline.
  std::string text(std::size_t most = 20) const;
};

// Compares `weights` with the tensors that a network expects. Values are looked at only where the shape fits.
LoadReport compare_tensors(const std::vector<ParameterSpec>& expected, const TensorMap& weights);

// Success, or model_tensors with the whole report.
Status require_all(const LoadReport& report, std::string_view likely_cause, std::string_view next_step);

// The tensors of a trunk alone: what a backbone file holds.
std::vector<ParameterSpec> trunk_parameters(const NetworkConfig& config);

}  // namespace dfa
