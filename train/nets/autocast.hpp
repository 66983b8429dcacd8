// bf16 autocast on the CPU for a scope. The C++ API has the pieces, not the guard.
#pragma once

#include <ATen/autocast_mode.h>

#include "train/nets/train_network.hpp"

namespace dfa::train {

class AutocastScope {
 public:
  explicit AutocastScope(Compute compute) : on_(compute == Compute::bf16) {
    if (!on_) return;
    was_enabled_ = at::autocast::is_autocast_enabled(at::kCPU);
    former_dtype_ = at::autocast::get_autocast_dtype(at::kCPU);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (!on_) return;
    if (at::autocast::decrement_nesting() == 0)
      at::autocast::clear_cache();  // else the next step would read stale bf16 weights
    at::autocast::set_autocast_enabled(at::kCPU, was_enabled_);
    at::autocast::set_autocast_dtype(at::kCPU, former_dtype_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool on_;
  bool was_enabled_ = false;
  at::ScalarType former_dtype_ = at::kBFloat16;
};

}  // namespace dfa::train
