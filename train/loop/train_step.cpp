#include "train/loop/train_step.hpp"

#include <cmath>

#include "augment/augment_sets.hpp"
#include "train/devices/shares.hpp"

namespace dfa::train {

Result<std::unique_ptr<BatchLoader>> start_epoch(const RunParts& parts, std::int64_t epoch, std::int64_t first_step) {
  const RunConfig& config = parts.config;
  DFA_ASSIGN_OR_RETURN(const std::vector<Slot> slots, plan_of(parts, epoch));
  LoaderOptions options;
  options.recipe = config.crop;
  options.side = config.network.image;
  options.augment = config.augment;
  if (needs_masks(config.loss)) options.mask_side = config.network.spatial_side(0);
  if (needs_strong_view(config.loss)) options.strong = augment_options_of(AugmentSet::strong);
  options.blender = parts.blender.get();
  options.seed = config.seed;
  options.epoch = static_cast<std::uint64_t>(epoch);
  options.batch = parts.micro_batch;
  options.workers = config.data.workers;
  options.prefetch = config.data.prefetch;
  options.memory = parts.batch_memory.get();
  options.first_batch = static_cast<std::size_t>(first_step * config.accumulate);
  auto loader = BatchLoader::start(*parts.train_crops,
                                   slots_of_rank(slots, config.batch, parts.micro_batch, *parts.group), options);
  if (loader->batches() == 0)
    return fail(ErrorCode::usage, "an epoch has fewer crops than a batch of {}; incomplete batches are dropped",
                config.batch);
  return loader;
}

std::int64_t steps_of(const BatchLoader& loader, const RunConfig& config) {
  return static_cast<std::int64_t>(loader.batches()) / config.accumulate;
}

Result<StepValues> train_step(RunParts& parts, std::span<const Batch> batch, const StepPlace& place) {
  const RunConfig& config = parts.config;
  LossOptions options = config.loss;
  options.compute = config.compute;
  options.class_weights = parts.class_weights;
  options.epoch = static_cast<double>(place.epoch) + static_cast<double>(place.step) / static_cast<double>(place.steps);
  if (parts.loss_scale) options.scale = parts.loss_scale->value();
  DFA_ASSIGN_OR_RETURN(LossValues values, parts.gradients->loss_and_gradients(batch, options));
  const auto again = [&]() -> Status {  // for SAM's second pass
    options.statistics = Statistics::keep;
    const auto uphill = parts.gradients->loss_and_gradients(batch, options);
    return uphill ? Status{} : tl::unexpected<Error>(uphill.error());
  };
  const double rate = learning_rate(config.schedule, place.epoch, place.step, place.steps);
  const NotFinite not_finite = parts.loss_scale && parts.loss_scale->may_halve() ? NotFinite::skip : NotFinite::fail;
  DFA_ASSIGN_OR_RETURN(const double norm, parts.optimizer->step(rate, again, not_finite));
  if (config.head_statistics == HeadStatistics::rank) DFA_TRY(broadcast_head_statistics(*parts.network, *parts.group));
  StepValues step{values.loss, norm, rate, std::move(values.terms)};
  if (parts.loss_scale) step.loss_scale = options.scale;
  if (!std::isfinite(norm)) {
    parts.loss_scale->after_skipped_step();
    step.grad_norm = 0;
    step.kind = StepKind::skipped;
    return step;
  }
  if (parts.loss_scale) parts.loss_scale->after_good_step();
  if (parts.average) parts.average->update();
  return step;
}

}  // namespace dfa::train
