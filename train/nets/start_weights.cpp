#include "train/nets/start_weights.hpp"

#include "train/nets/factors.hpp"
#include "train/nets/init.hpp"

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

}  // namespace dfa::train
