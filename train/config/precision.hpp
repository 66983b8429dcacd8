// In what a run's steps are computed, once it is known on what.
#pragma once

#include <string>

#include "train/config/run_config.hpp"

namespace dfa::train {

// Whether bf16 steps are faster than f32 ones on this processor. AVX512-BF16 alone makes them slower
// (docs/training.md, "Speed and memory").
bool has_fast_bf16();

// A processor computes in bf16 or f32 what is to be computed in fp16: config.compute is changed to that, so that the
// run's own configuration says what was done. Returns what to say about it; empty where nothing changes.
std::string settle_precision(RunConfig& config, const Device& device);

// Whether the steps multiply the loss.
bool scales_loss(const RunConfig& config);

}  // namespace dfa::train
