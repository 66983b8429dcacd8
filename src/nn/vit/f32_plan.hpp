// The f32 engine's plan for one batch size.
#pragma once

#include "base/result.hpp"
#include "nn/layers/onednn.hpp"
#include "nn/network.hpp"
#include "nn/network_config.hpp"
#include "nn/plan/plan.hpp"
#include "nn/vit/f32_weights.hpp"

namespace dfa {

struct F32PlanOptions {
  int images = 1;  // N
  int threads = 1;
  UnreadRows unread = UnreadRows::skip;  // as given to pack_weights
  BlockObserver* observer = nullptr;     // may be null; else `unread` is compute
};

// Everything named outlives the plan. The plan is not laid out yet. Errors: internal (oneDNN).
Result<Plan> build_f32_plan(OneDnn& library, const NetworkConfig& config, const F32Weights& weights,
                            const F32PlanOptions& options);

}  // namespace dfa
