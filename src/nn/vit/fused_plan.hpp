// The fused engine's plan for one batch size, in f32 or with bf16 or codes between the products.
#pragma once

#include "base/result.hpp"
#include "nn/layers/onednn.hpp"
#include "nn/network.hpp"
#include "nn/network_config.hpp"
#include "nn/plan/plan.hpp"
#include "nn/vit/fused_weights.hpp"

namespace dfa {

struct FusedPlanOptions {
  int images = 1;  // N
  int threads = 1;
  Element element = Element::f32;             // as given to pack_weights
  UnreadRows unread = UnreadRows::skip;       // as given to pack_weights
  BlockObserver* observer = nullptr;          // may be null; else `unread` is compute
  ActivationObserver* activations = nullptr;  // may be null; else everything is f32
};

// Everything named outlives the plan. The plan is not laid out yet. Errors: internal (oneDNN).
Result<Plan> build_fused_plan(OneDnn& library, const NetworkConfig& config, const FusedWeights& weights,
                              const FusedPlanOptions& options);

}  // namespace dfa
