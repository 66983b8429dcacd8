#include "train/nets/start_weights.hpp"

#include <map>

#include "base/hash.hpp"
#include "train/nets/factors.hpp"
#include "train/nets/init.hpp"
#include "train/nets/pretrained.hpp"

namespace dfa::train {

Result<StartWeights> start_weights(const NetworkConfig& network, const Tuning& tuning, std::uint64_t seed,
                                   const std::filesystem::path& pretrained) {
  StartWeights start;
  start.weights = init_weights(network, seed);
  if (!pretrained.empty()) DFA_TRY(put_pretrained_trunk(network, pretrained, start.weights));
  start.trunk_sha256 = trunk_sha256(network, start.weights);
  if (network.readout_norm == ReadoutNorm::own)
    for (const char* end : {"weight", "bias"})
      start.weights[std::string("readout_norm.") + end] = start.weights.at(std::string("norm.") + end);
  DFA_TRY(add_factors(network, tuning, seed, start.weights));
  return start;
}

std::string trunk_sha256(const NetworkConfig& network, const TensorMap& weights) {
  std::map<std::string, std::vector<std::int64_t>> trunk;
  for (const ParameterSpec& spec : network_parameters(network))
    if (spec.group == ParameterGroup::trunk) trunk[spec.name] = spec.shape;
  Sha256 hash;
  for (const auto& [name, shape] : trunk) {
    const std::string head = name + "\n" + shape_text(shape) + "\n";
    hash.update(std::as_bytes(std::span(head)));
    hash.update(convert_floats(weights.at(name), Dtype::f32).bytes);
  }
  return hash.finish();
}

}  // namespace dfa::train
