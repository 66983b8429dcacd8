// What a run begins with: random adapters and head, the trunk from its file, the factors of a low-rank change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "exchange/trunk.hpp"
#include "tensorfile/tensor.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

struct StartWeights {
  TensorMap weights;         // of training_parameters()
  std::string trunk_sha256;  // dfa::trunk_sha256() before anything was trained
};

// `pretrained` may be empty: the trunk starts at random. A read-out norm of its own starts as a copy of the trunk's
// final norm. Errors: those of put_pretrained_trunk() and add_factors().
Result<StartWeights> start_weights(const NetworkConfig& network, const Tuning& tuning, std::uint64_t seed,
                                   const std::filesystem::path& pretrained);

}  // namespace dfa::train
