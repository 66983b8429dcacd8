// What a run begins with: random adapters and head, the trunk from its file, the factors of a low-rank change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

struct StartWeights {
  TensorMap weights;         // of training_parameters()
  std::string trunk_sha256;  // trunk_sha256() before anything was trained
};

// `pretrained` may be empty: the trunk starts at random. A read-out norm of its own starts as a copy of the trunk's
// final norm. Errors: those of put_pretrained_trunk() and add_factors().
Result<StartWeights> start_weights(const NetworkConfig& network, const Tuning& tuning, std::uint64_t seed,
                                   const std::filesystem::path& pretrained);

// SHA-256 over the trunk's tensors of network_parameters(), ordered by name: for each its name, a line feed, its shape
// ("768x3x16x16"), a line feed, then its values as little-endian f32. So it does not depend on the container, and a
// trunk widened from f16 has the hash of its f32 values. Requires: floating-point trunk tensors, all there.
std::string trunk_sha256(const NetworkConfig& network, const TensorMap& weights);

}  // namespace dfa::train
