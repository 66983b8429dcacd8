// The network in plain loops, in the unfolded order of spec method.md 2.1 to 2.4: the oracle of every other engine.
#pragma once

#include <memory>

#include "nn/network.hpp"

namespace dfa {

// `weights` has passed check_weights.
std::unique_ptr<Network> make_ref_network(const NetworkConfig& config, const TensorMap& weights,
                                          const NetworkOptions& options);

}  // namespace dfa
