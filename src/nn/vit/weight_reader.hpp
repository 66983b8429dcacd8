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

// Positions of class and distillation token, where they are learned, belong to those tokens for good: the rows in front
// of the patches as they enter the network, class, distillation, registers (prefix_tokens(), D).
inline std::vector<float> read_prefix(const WeightReader& read, const NetworkConfig& config) {
  std::vector<float> prefix = read("cls_token");
  const auto append = [&](const std::vector<float>& more) { prefix.insert(prefix.end(), more.begin(), more.end()); };
  if (config.distilled) append(read("dist_token"));
  if (config.positions == Positions::learned) {
    const std::vector<float> positions = read("pos_embed");
    for (std::size_t i = 0; i < prefix.size(); ++i) prefix[i] += positions[i];
  }
  if (config.registers > 0) append(read("reg_token"));
  return prefix;
}

// Learned positions of the patches (G*G, D); empty with rotary ones.
inline std::vector<float> read_patch_positions(const WeightReader& read, const NetworkConfig& config) {
  if (config.positions != Positions::learned) return {};
  const std::vector<float> all = read("pos_embed");
  const std::size_t skipped = static_cast<std::size_t>(config.position_rows() - config.grid() * config.grid()) *
                              static_cast<std::size_t>(config.dim);
  return {all.begin() + static_cast<std::ptrdiff_t>(skipped), all.end()};
}

// Slope of the swish that quick-GELU is.
inline constexpr double kQuickGeluSlope = 1.702;

// Constants of the architecture that no configuration changes (spec method.md 2.1, 2.3).
inline constexpr double kSpmNormEps = 1e-5;
inline constexpr double kHeadNormEps = 1e-6;

}  // namespace dfa
