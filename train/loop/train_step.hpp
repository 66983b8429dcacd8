// One step of training, and the batches of an epoch it is taken on. The run and the plan of a run take the same steps.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "train/data/batch_loader.hpp"
#include "train/loop/run_parts.hpp"
#include "train/losses/loss_values.hpp"

namespace dfa::train {

// Where a step lies.
struct StepPlace {
  std::int64_t epoch = 0;  // epochs before this one
  std::int64_t step = 0;   // steps of the epoch before this one
  std::int64_t steps = 0;  // an epoch
};

// skipped: its gradients were not finite and the loss scale was halved; weights, momenta and average are as before.
enum class StepKind { taken, skipped };

struct StepValues {
  double loss = 0;
  double grad_norm = 0;  // joint L2 norm before clipping, of the gradient that was applied; 0 where none was
  double learning_rate = 0;
  std::vector<LossTerm> terms = {};       // what the loss is the sum of
  std::optional<double> loss_scale = {};  // by which this step's loss was multiplied; nothing without loss scaling
  StepKind kind = StepKind::taken;
};

// This rank's micro-batches of an epoch, `accumulate` a step, from step `first_step` on. Errors: usage when the crops
// do not fill one batch.
Result<std::unique_ptr<BatchLoader>> start_epoch(const RunParts& parts, std::int64_t epoch, std::int64_t first_step);
// Steps of the epoch that the loader was started for.
std::int64_t steps_of(const BatchLoader& loader, const RunConfig& config);

// Forward and backward of this rank's micro-batches of a step (next_parts()), the mean over all ranks, optimiser,
// weight average. With a loss scale (optim/loss_scale.hpp) a gradient that is not finite is no error, unless the scale
// is at its smallest. Errors: non_finite_loss, naming the loss's term (weights and momenta are as before the step, the
// running statistics are not), internal, out_of_memory.
Result<StepValues> train_step(RunParts& parts, std::span<const Batch> batch, const StepPlace& place);

}  // namespace dfa::train
