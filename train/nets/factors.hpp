// The factors of a low-rank change as plain tensors: how they start, and how they go back into the weights.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

// Adds every tensor of factor_parameters(network, tuning) to `weights`, which holds the network's. The network's output
// stays what it was. svd decomposes 4 matrices a block: about half a minute for ViT-B/16 on one core. Errors: internal,
// out_of_memory.
Status add_factors(const NetworkConfig& network, const Tuning& tuning, std::uint64_t seed, TensorMap& weights);

// The same network without factors: exactly the tensors of network_parameters(network), each changed weight computed in
// double and rounded once. Errors: model_tensors when `weights` is not of training_parameters(network, tuning).
Result<TensorMap> merge_factors(const NetworkConfig& network, const Tuning& tuning, const TensorMap& weights);

}  // namespace dfa::train
