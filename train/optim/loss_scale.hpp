// Dynamic loss scaling: fp16 holds nothing below 6e-8, so the loss is multiplied before it is differentiated and the
// gradients are divided afterwards.
//
// Note [Loss scale]
// The scale is a power of two times what it starts at. A step whose gradients are not finite is left out and halves the
// scale; after `growth_steps` good steps in a row it doubles. With several ranks the gradients that are looked at are
// the sums over all of them, the same bits everywhere, so that all ranks leave out the same steps. In f32 and with a
// power of two nothing but the skipped steps changes: factors of two come out of every rounding.
#pragma once

#include <cstdint>

namespace dfa::train {

enum class ScaleWhen {
  fp16,   // where steps are computed in fp16
  always  // whatever they are computed in
};

struct LossScaleOptions {
  ScaleWhen when = ScaleWhen::fp16;
  double start = 65536;
  std::int64_t growth_steps = 2000;

  bool operator==(const LossScaleOptions&) const = default;
};

// What a checkpoint keeps.
struct LossScaleState {
  double scale = 0;
  std::int64_t good_steps = 0;  // since the scale last changed

  bool operator==(const LossScaleState&) const = default;
};

class LossScale {
 public:
  explicit LossScale(const LossScaleOptions& options) : growth_steps_(options.growth_steps), state_{options.start, 0} {}

  double value() const { return state_.scale; }
  // Below 1 a scale helps nobody: gradients that are not finite then are so without any.
  bool may_halve() const { return state_.scale > 1; }
  void after_good_step();
  void after_skipped_step();

  const LossScaleState& state() const { return state_; }
  void restore(const LossScaleState& state) { state_ = state; }

 private:
  std::int64_t growth_steps_;
  LossScaleState state_;
};

}  // namespace dfa::train
