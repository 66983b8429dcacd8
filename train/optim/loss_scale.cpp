#include "train/optim/loss_scale.hpp"

namespace dfa::train {

void LossScale::after_good_step() {
  if (++state_.good_steps < growth_steps_) return;
  state_ = {state_.scale * 2, 0};
}

void LossScale::after_skipped_step() {
  state_ = {state_.scale / 2, 0};
}

}  // namespace dfa::train
