// bf16 or fp16 autocast on one kind of device for a scope. The C++ API has the pieces, not the guard.
#pragma once

#include <ATen/autocast_mode.h>

#include "train/nets/train_network.hpp"

namespace dfa::train {

// For the device that `like` is on.
inline bool is_autocast_on(const at::Tensor& like) {
  return at::autocast::is_autocast_enabled(like.device().type());
}

// What is on for that device.
inline Compute autocast_of(const at::Tensor& like) {
  if (!is_autocast_on(like)) return Compute::f32;
  return at::autocast::get_autocast_dtype(like.device().type()) == at::kHalf ? Compute::f16 : Compute::bf16;
}

class AutocastScope {
 public:
  AutocastScope(Compute compute, at::DeviceType device)
      : on_(compute == Compute::bf16 || compute == Compute::f16), device_(device) {
    if (!on_) return;
    was_enabled_ = at::autocast::is_autocast_enabled(device_);
    former_dtype_ = at::autocast::get_autocast_dtype(device_);
    at::autocast::set_autocast_dtype(device_, compute == Compute::f16 ? at::kHalf : at::kBFloat16);
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (!on_) return;
    if (at::autocast::decrement_nesting() == 0)
      at::autocast::clear_cache();  // else the next step would read stale narrow weights
    at::autocast::set_autocast_enabled(device_, was_enabled_);
    at::autocast::set_autocast_dtype(device_, former_dtype_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool on_;
  at::DeviceType device_;
  bool was_enabled_ = false;
  at::ScalarType former_dtype_ = at::kBFloat16;
};

}  // namespace dfa::train
