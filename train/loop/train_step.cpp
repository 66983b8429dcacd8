#include "train/loop/train_step.hpp"

#include <cmath>

namespace dfa::train {

Result<std::unique_ptr<BatchLoader>> start_epoch(const RunParts& parts, std::int64_t epoch, std::int64_t first_batch) {
  const RunConfig& config = parts.config;
  DFA_ASSIGN_OR_RETURN(std::vector<Slot> slots, plan_of(parts, epoch));
  LoaderOptions options;
  options.recipe = config.crop;
  options.side = config.network.image;
  options.augment = config.augment;
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
  LossOptions options;
  options.label_smoothing = config.label_smoothing;
  options.compute = config.compute;
  DFA_ASSIGN_OR_RETURN(const LossValues values, parts.network->loss_and_gradients(batch.images, batch.labels, options));
  if (!std::isfinite(values.loss))
    return fail(ErrorCode::non_finite_loss, "the loss is {}, expected a finite number", values.loss);
  const double rate = learning_rate(config.schedule, place.epoch, place.step, place.steps);
  DFA_ASSIGN_OR_RETURN(const double norm, parts.optimizer->step(rate));
  if (parts.average) parts.average->update();
  return StepValues{values.loss, norm, rate};
}

}  // namespace dfa::train
