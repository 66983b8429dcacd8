#include "train/loop/train_step.hpp"

#include "augment/augment_sets.hpp"

namespace dfa::train {

Result<std::unique_ptr<BatchLoader>> start_epoch(const RunParts& parts, std::int64_t epoch, std::int64_t first_batch) {
  const RunConfig& config = parts.config;
  DFA_ASSIGN_OR_RETURN(std::vector<Slot> slots, plan_of(parts, epoch));
  LoaderOptions options;
  options.recipe = config.crop;
  options.side = config.network.image;
  options.augment = config.augment;
  if (needs_masks(config.loss)) options.mask_side = config.network.spatial_side(0);
  if (needs_strong_view(config.loss)) options.strong = augment_options_of(AugmentSet::strong);
  options.blender = parts.blender.get();
  options.seed = config.seed;
  options.epoch = static_cast<std::uint64_t>(epoch);
  options.batch = config.batch;
  options.workers = config.data.workers;
  options.prefetch = config.data.prefetch;
  options.first_batch = static_cast<std::size_t>(first_batch);
  auto loader = BatchLoader::start(*parts.train_crops, std::move(slots), options);
  if (loader->batches() == 0)
    return fail(ErrorCode::usage, "an epoch has fewer crops than a batch of {}; incomplete batches are dropped",
                config.batch);
  return loader;
}

Result<StepValues> train_step(RunParts& parts, const Batch& batch, const StepPlace& place) {
  const RunConfig& config = parts.config;
  LossOptions options = config.loss;
  options.compute = config.compute;
  options.epoch = static_cast<double>(place.epoch) + static_cast<double>(place.step) / static_cast<double>(place.steps);
  const StepInput input{batch.images, batch.labels, batch.masks, batch.mask_known, batch.strong};
  DFA_ASSIGN_OR_RETURN(LossValues values, parts.network->loss_and_gradients(input, options));
  DFA_TRY(check_finite(values));
  const auto again = [&]() -> Status {  // for SAM's second pass
    options.statistics = Statistics::keep;
    DFA_ASSIGN_OR_RETURN(const LossValues uphill, parts.network->loss_and_gradients(input, options));
    return check_finite(uphill);
  };
  const double rate = learning_rate(config.schedule, place.epoch, place.step, place.steps);
  DFA_ASSIGN_OR_RETURN(const double norm, parts.optimizer->step(rate, again));
  if (parts.average) parts.average->update();
  return StepValues{values.loss, norm, rate, std::move(values.terms)};
}

}  // namespace dfa::train
