#include "train/optim/schedule.hpp"

#include <cmath>
#include <numbers>

namespace dfa::train {

double learning_rate(const Schedule& schedule, std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) {
  const double e = static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps_per_epoch);
  if (e < schedule.warmup_epochs) return schedule.peak * e / schedule.warmup_epochs;
  const double cosine_epochs = static_cast<double>(schedule.epochs) - schedule.warmup_epochs;
  if (cosine_epochs <= 0) return schedule.peak;
  const double share = (e - schedule.warmup_epochs) / cosine_epochs;
  return schedule.floor + (schedule.peak - schedule.floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
}

}  // namespace dfa::train
