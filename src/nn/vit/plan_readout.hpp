// The end of the fused plan: from the tokens that are read to feature and logits.
#pragma once

#include "nn/vit/fused_weights.hpp"
#include "nn/vit/plan_writer.hpp"

namespace dfa {

// `read`: the stream that the read-out looks at. Errors: internal (oneDNN).
Status write_readout(PlanWriter& to, const NetworkConfig& config, const FusedWeights& weights, const Stream& read);

}  // namespace dfa
