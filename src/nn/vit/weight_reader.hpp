// Checked weights as f32 vectors, by the authors' names.
#pragma once

#include <cassert>
#include <string>
#include <vector>

#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

class WeightReader {
 public:
  // `weights` has passed check_weights and outlives the reader.
  explicit WeightReader(const TensorMap& weights) : weights_(weights) {}

  // f16 and bf16 are widened. The name must be one of network_parameters.
  std::vector<float> operator()(const std::string& name) const {
    const auto found = weights_.find(name);
    assert(found != weights_.end());
    Result<std::vector<float>> values = found->second.to_f32();
    assert(values);
    return std::move(*values);
  }

 private:
  const TensorMap& weights_;
};

// The LayerNorm that what is read goes through.
inline std::string readout_norm_name(const NetworkConfig& config) {
  return config.readout_norm == ReadoutNorm::own ? "readout_norm" : "norm";
}

// Constants of the architecture that no configuration changes (spec method.md 2.1, 2.3).
inline constexpr double kSpmNormEps = 1e-5;
inline constexpr double kHeadNormEps = 1e-6;

}  // namespace dfa
